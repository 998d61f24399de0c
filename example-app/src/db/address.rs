//! The form of a PostgreSQL address, looked at before libpq does: what libpq
//! says of a malformed one quotes pieces of it, and a password that nobody
//! escaped may be any of them.

/// Says what is wrong, in words that quote nothing of the address.
pub(super) fn check(url: &str) -> Result<(), &'static str> {
    let (_, rest) = url.split_once("://").ok_or("it has no `//`")?;
    if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("it contains white space or control characters");
    }
    if !escapes_are_valid(rest) {
        return Err("it contains a `%` without two hexadecimal digits after it");
    }
    // The last `@` ends the password, whatever the password has in it.
    let location = match rest.rsplit_once('@') {
        None => rest,
        Some((credentials, location)) => {
            if credentials.contains(['@', '/', '?', '#', '[', ']']) {
                return Err("there is more before its last `@` than user and password");
            }
            location
        }
    };
    let (place, parameters) = match location.split_once('?') {
        Some((place, parameters)) => (place, parameters.split('&').collect()),
        None => (location, Vec::new()),
    };
    let hosts = place.split_once('/').map_or(place, |(hosts, _)| hosts);
    if !hosts.split(',').all(is_host) {
        return Err("what stands for its host and port is none");
    }
    let is_parameter = |parameter: &str| {
        let parameter = parameter.split_once('=');
        parameter.is_some_and(|(name, value)| !name.is_empty() && !value.contains('='))
    };
    if !parameters.into_iter().all(is_parameter) {
        return Err("what follows its `?` is not of the form name=value&name=value");
    }
    Ok(())
}

/// Whether a text that libpq has for a failed connection is about the server.
/// The others are about the address and quote it, parameters included.
///
/// Nothing sets a locale in this process, so libpq speaks English.
pub(super) fn is_about_the_server(libpq: &str) -> bool {
    let told_by_the_connection = [
        "connection to server",
        "could not connect to server",
        "could not translate host name",
        "FATAL:",
    ];
    told_by_the_connection
        .iter()
        .any(|beginning| libpq.starts_with(beginning))
}

fn escapes_are_valid(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit) && two != b"00")
    })
}

/// `name`, `name:port` or `[address]:port`; a name may be absent, or the
/// escaped folder of a socket.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((address, port)) if address.chars().all(is_of_an_ipv6_address) => ("", port),
            _ => return false,
        },
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_of_a_name = |c: char| c.is_alphanumeric() || "-._~%".contains(c);
    let is_port = match port.strip_prefix(':') {
        Some(number) => number.is_empty() || number.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    name.chars().all(is_of_a_name) && is_port
}

fn is_of_an_ipv6_address(c: char) -> bool {
    c.is_ascii_hexdigit() || ":.%".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_libpq_documents_is_taken() {
        for url in [
            "postgres://",
            "postgresql://localhost",
            "postgres://localhost:5433",
            "postgres://localhost/shop",
            "postgres://ann@localhost",
            "postgres://ann:s3cret@localhost/shop?connect_timeout=10&application_name=a",
            "postgres://ann:a%40b%2Fc:d@localhost/shop",
            "postgres://one:1,two:2/shop?target_session_attrs=any",
            "postgres:///shop?host=localhost&port=5433",
            "postgres://ann@[2001:db8::1234]:5432/shop",
            "postgres://%2Fvar%2Frun%2Fpostgresql/shop",
            "postgres://localhost/shop?options=-csearch_path%3Dshop",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_password_that_nobody_escaped_is_refused_and_not_quoted() {
        for url in [
            "postgres://ann:s3?cret@db/shop",
            "postgres://ann:s3/cret@db/shop",
            "postgres://ann:3/cret@db/shop",
            "postgres://ann:s3%cret@db/shop",
            "postgres://ann:s3cret%@db/shop",
            "postgres://ann:s3%é@db/shop",
            "postgres://ann:s3%00cret@db/shop",
            "postgres://ann:s3@cret@db/shop",
            "postgres://ann:s3#cret@db/shop",
            "postgres://ann:[s3cret@db/shop",
            "postgres://ann:s3 cret@db/shop",
            "postgres://ann:s3/cret",
            "postgres://ann:s3cret",
            "postgres://db:99999/shop",
            "postgres://[db/shop",
            "postgres://db/shop?s3cret",
            "postgres://db/shop?password=s3&cret",
            "postgres://db/shop?password=s3=cret",
            "postgres://db/shop?password=s3@cret",
        ] {
            let reason = check(url).expect_err(url);
            assert!(!reason.contains("s3") && !reason.contains("cret"), "{url}");
        }
    }
}
