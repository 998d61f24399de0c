use std::fmt;

use super::address;

/// The variable that names the database.
pub(crate) const DATABASE_URL: &str = "DATABASE_URL";

/// The database when the variable is not set: a file in the working directory.
const DEFAULT: &str = "shop.sqlite";

/// What `DATABASE_URL` says: a SQLite file or a PostgreSQL address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    /// The file's path.
    Sqlite(String),
    /// The address, password included: print it through `Display` only.
    Postgres(String),
}

/// Why `DATABASE_URL` names no database.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DatabaseUrlError {
    #[error("DATABASE_URL is empty; set it to a SQLite path or a postgres:// address, or unset it")]
    Empty,
    #[error("DATABASE_URL is not UTF-8")]
    NotUnicode,
    #[error(
        "DATABASE_URL has the scheme `{0}://`; it takes a SQLite path (shop.sqlite) or an \
         address like postgres://user@host/database"
    )]
    Scheme(String),
    #[error(
        "DATABASE_URL is `:memory:`, which every connection would have for itself; name a file"
    )]
    Memory,
    /// What is wrong, without a word of it: it may hold a password.
    #[error(
        "DATABASE_URL is not an address that can be used: {0}. It takes \
         postgres://user:password@host:port/database, in which % @ / ? # [ ] and the space of a \
         user or a password are written %25 %40 %2F %3F %23 %5B %5D %20"
    )]
    Address(&'static str),
    #[error(
        "DATABASE_URL is neither a SQLite path nor an address like postgres://user@host/database; \
         a path that looks like something else can be written sqlite:PATH"
    )]
    Unclear,
}

impl DatabaseUrl {
    pub(crate) fn from_env() -> Result<Self, DatabaseUrlError> {
        match std::env::var(DATABASE_URL) {
            Ok(url) => Self::parse(&url),
            Err(std::env::VarError::NotPresent) => Self::parse(DEFAULT),
            Err(std::env::VarError::NotUnicode(_)) => Err(DatabaseUrlError::NotUnicode),
        }
    }

    fn parse(url: &str) -> Result<Self, DatabaseUrlError> {
        let url = url.trim();
        if is_key_value(url) {
            return Err(DatabaseUrlError::Unclear);
        }
        if let Some((scheme, path)) = url.split_once("://") {
            return match scheme {
                "postgres" | "postgresql" => match address::check(url) {
                    Ok(()) => Ok(Self::Postgres(url.to_owned())),
                    Err(reason) => Err(DatabaseUrlError::Address(reason)),
                },
                "sqlite" => Self::parse_path(path),
                other if is_scheme(other) => Err(DatabaseUrlError::Scheme(other.to_owned())),
                _ => Err(DatabaseUrlError::Unclear),
            };
        }
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Self::parse_path(path);
        }
        if let Some((scheme, _)) = url.split_once(':')
            && ["postgres", "postgresql"].contains(&scheme.to_ascii_lowercase().as_str())
        {
            return Err(DatabaseUrlError::Address(
                "it has no `//` after `postgres:`",
            ));
        }
        if holds_credentials(url) {
            return Err(DatabaseUrlError::Unclear);
        }
        Self::parse_path(url)
    }

    fn parse_path(path: &str) -> Result<Self, DatabaseUrlError> {
        match path {
            "" => Err(DatabaseUrlError::Empty),
            ":memory:" => Err(DatabaseUrlError::Memory),
            path => Ok(Self::Sqlite(path.to_owned())),
        }
    }
}

/// `host=db password=…`, which libpq takes and this does not.
fn is_key_value(url: &str) -> bool {
    url.split_once('=').is_some_and(|(name, _)| {
        let name = name.trim_end();
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
    })
}

/// Whether it can be shown: a piece of a mistyped address can't.
fn is_scheme(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || "+-".contains(c))
}

/// `ann:s3cret@db/shop`, an address that lost its beginning.
fn holds_credentials(url: &str) -> bool {
    url.rsplit_once('@')
        .is_some_and(|(credentials, _)| credentials.contains(':'))
}

/// Without the password and without parameters, which may hold one.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = match self {
            Self::Sqlite(path) => return f.write_str(path),
            Self::Postgres(url) => url,
        };
        let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
        // First what stands before the last `@`: a password may contain a `?`.
        let (credentials, location) = match rest.rsplit_once('@') {
            Some((credentials, location)) => (Some(credentials), location),
            None => (None, rest),
        };
        write!(f, "{scheme}://")?;
        if let Some(credentials) = credentials {
            let user = credentials.split_once(':').map_or(credentials, |(u, _)| u);
            write!(f, "{user}@")?;
        }
        f.write_str(location.split_once('?').map_or(location, |(l, _)| l))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_sqlite_and_an_address_is_postgres() {
        let sqlite = |path: &str| Ok(DatabaseUrl::Sqlite(path.to_owned()));
        assert_eq!(DatabaseUrl::parse("shop.sqlite"), sqlite("shop.sqlite"));
        assert_eq!(DatabaseUrl::parse("sqlite:a.db"), sqlite("a.db"));
        assert_eq!(
            DatabaseUrl::parse("sqlite:///tmp/a.db"),
            sqlite("/tmp/a.db")
        );
        let postgres = "postgres://ann@localhost/shop";
        assert_eq!(
            DatabaseUrl::parse(postgres),
            Ok(DatabaseUrl::Postgres(postgres.to_owned()))
        );
        assert_eq!(
            DatabaseUrl::parse("mysql://localhost/shop"),
            Err(DatabaseUrlError::Scheme("mysql".to_owned()))
        );
        assert_eq!(DatabaseUrl::parse(" "), Err(DatabaseUrlError::Empty));
        assert_eq!(
            DatabaseUrl::parse(":memory:"),
            Err(DatabaseUrlError::Memory)
        );
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            (
                "postgres://ann:s3cret@db:5432/shop",
                "postgres://ann@db:5432/shop",
            ),
            ("postgres://ann:s3@cret@db/shop", "postgres://ann@db/shop"),
            ("postgres://ann:s3?cret@db/shop", "postgres://ann@db/shop"),
            (
                "postgres://db/shop?user=ann&password=s3cret",
                "postgres://db/shop",
            ),
            ("postgres://db/shop", "postgres://db/shop"),
        ] {
            assert_eq!(DatabaseUrl::Postgres(url.to_owned()).to_string(), shown);
        }
    }

    #[test]
    fn what_is_neither_path_nor_address_is_refused_without_quoting_it() {
        for url in [
            "postgres://ann:s3?cret@db/shop",
            "postgres://ann:s3/cret@db/shop",
            "postgres://ann:s3%cret@db/shop",
            "host=db password=s3cret",
            "password = s3cret host=db",
            "host=db password=s3://cret",
            "postgres:ann:s3cret@db/shop",
            "Postgresql:/ann:s3cret@db/shop",
            "ann:s3cret@db/shop",
            "ann:s3://cret@db/shop",
            "'postgres://ann:s3cret@db/shop'",
        ] {
            let error = DatabaseUrl::parse(url).expect_err(url).to_string();
            assert!(error.contains("DATABASE_URL"), "{url}: {error}");
            assert!(!error.contains("s3"), "{url}: {error}");
            assert!(!error.contains("cret"), "{url}: {error}");
        }
    }

    #[test]
    fn a_path_may_look_like_something_else_when_it_says_so() {
        for path in ["a=b.db", "me:my@home/shop.db"] {
            let url = DatabaseUrl::parse(&format!("sqlite:{path}"));
            assert_eq!(url, Ok(DatabaseUrl::Sqlite(path.to_owned())));
        }
    }
}
