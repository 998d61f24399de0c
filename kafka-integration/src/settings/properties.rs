use std::collections::BTreeMap;
use std::fmt;

use super::secrets;

/// librdkafka properties, by name. Values of secret ones (passwords, keys,
/// tokens) are masked in its `Debug` output.
///
/// ```
/// use kafka_integration::settings::ClientProperties;
///
/// let mut properties = ClientProperties::new();
/// properties.set("fetch.min.bytes", "1000").set("sasl.password", "hunter2");
/// assert_eq!(properties.get("fetch.min.bytes"), Some("1000"));
/// assert!(!format!("{properties:?}").contains("hunter2"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientProperties(BTreeMap<String, String>);

impl ClientProperties {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of that property.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Sets a property.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Removes a property and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Names and values, in order of name. The values are the real ones.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for ClientProperties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(properties: I) -> Self {
        let properties = properties.into_iter();
        Self(properties.map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl fmt::Debug for ClientProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.iter()
                    .map(|(name, value)| (name, secrets::shown(name, value))),
            )
            .finish()
    }
}
