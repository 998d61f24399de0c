//! What must never be printed.

/// Stands where a secret would.
pub(crate) const MASK: &str = "***";

/// Parts of the names of properties whose values are secret. Too wide on
/// purpose: a masked URL costs less than a printed password.
const SECRET_PARTS: [&str; 9] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "pem",
    "jaas",
    "credential",
    "oauthbearer.config",
    "assertion",
];

/// Whether the value of that property is secret.
pub(crate) fn is_secret(property: &str) -> bool {
    let name = property.to_ascii_lowercase();
    SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// The value, or the mask.
pub(crate) fn shown<'a>(property: &str, value: &'a str) -> &'a str {
    if is_secret(property) { MASK } else { value }
}

/// The text with every secret value among the properties masked: librdkafka's
/// messages may repeat what they refuse.
pub(crate) fn redact<'a>(
    text: &str,
    properties: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut secrets: Vec<&str> = properties
        .into_iter()
        .filter(|(name, value)| is_secret(name) && !value.is_empty())
        .map(|(_, value)| value)
        .collect();
    // The longest first: one secret may be a part of another.
    secrets.sort_by_key(|value| std::cmp::Reverse(value.len()));
    secrets
        .into_iter()
        .fold(text.to_owned(), |text, value| text.replace(value, MASK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_properties_are_known_by_their_names() {
        for name in [
            "sasl.password",
            "ssl.key.password",
            "ssl.keystore.password",
            "ssl.key.pem",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.assertion.private.key.passphrase",
            "SASL.PASSWORD",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["sasl.username", "bootstrap.servers", "ssl.ca.location"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn a_message_that_repeats_secrets_is_masked() {
        let properties = [
            ("sasl.password", "hunter2"),
            ("ssl.key.password", "hunter2-and-more"),
            ("sasl.username", "shop"),
            ("ssl.keystore.password", ""),
        ];
        assert_eq!(
            redact("shop: `hunter2-and-more` and `hunter2`", properties),
            "shop: `***` and `***`"
        );
    }
}
