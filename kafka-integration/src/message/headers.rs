use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::native::LazyHeaders;

/// One header: a name and an optional value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The header's name. Names may repeat.
    pub name: String,
    /// The header's bytes; `None` is Kafka's null, which differs from empty.
    pub value: Option<Bytes>,
}

/// The headers of a record, in order, names repeated as they were written.
#[derive(Clone)]
pub struct Headers(Kept);

#[derive(Clone)]
enum Kept {
    Here(Vec<Header>),
    /// Of a consumed message, not parsed until they are looked at.
    InMessage(Arc<LazyHeaders>),
}

impl Headers {
    /// No headers. Allocates nothing.
    pub const fn new() -> Self {
        Self(Kept::Here(Vec::new()))
    }

    /// Appends a header; one of the same name stays.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Bytes>) {
        self.push(Header {
            name: name.into(),
            value: Some(value.into()),
        });
    }

    /// Appends a header that may have a null value.
    pub fn push(&mut self, header: Header) {
        if let Kept::InMessage(headers) = &self.0 {
            self.0 = Kept::Here(headers.list().to_vec());
        }
        if let Kept::Here(list) = &mut self.0 {
            list.push(header);
        }
    }

    pub(crate) fn lazy(headers: Arc<LazyHeaders>) -> Self {
        Self(Kept::InMessage(headers))
    }

    fn list(&self) -> &[Header] {
        match &self.0 {
            Kept::Here(list) => list,
            Kept::InMessage(headers) => headers.list(),
        }
    }

    /// The last value of that name, as Kafka's own clients read it. `None` when
    /// there is no such header or its value is null.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.list()
            .iter()
            .rev()
            .find(|header| header.name == name)
            .and_then(|header| header.value.as_deref())
    }

    /// [`get`](Self::get) as text; `None` when it is not UTF-8 either.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// All headers in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Header> {
        self.list().iter()
    }

    /// How many headers there are.
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }
}

impl Default for Headers {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.list() == other.list()
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Headers").field(&self.list()).finish()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a Header;
    type IntoIter = std::slice::Iter<'a, Header>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Header> for Headers {
    fn from_iter<I: IntoIterator<Item = Header>>(headers: I) -> Self {
        Self(Kept::Here(headers.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_name_wins_and_null_is_not_empty() {
        let mut headers = Headers::new();
        headers.insert("trace", "a");
        headers.insert("trace", "b");
        headers.push(Header {
            name: "null".into(),
            value: None,
        });
        headers.insert("empty", "");
        assert_eq!(headers.get_str("trace"), Some("b"));
        assert_eq!(headers.get("null"), None);
        assert_eq!(headers.get("empty"), Some(&b""[..]));
        assert_eq!(headers.len(), 4);
    }
}
