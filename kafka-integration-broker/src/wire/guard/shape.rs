//! The words in which `shapes.rs` describes a request.

/// The versions of an API in which something exists; both ends included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Versions {
    pub(crate) first: i16,
    pub(crate) last: i16,
}

/// In no version.
pub(crate) const NEVER: Versions = within(1, 0);

/// From `first` on.
pub(crate) const fn since(first: i16) -> Versions {
    within(first, i16::MAX)
}

/// From `first` to `last`.
pub(crate) const fn within(first: i16, last: i16) -> Versions {
    Versions { first, last }
}

impl Versions {
    pub(crate) const fn contains(self, version: i16) -> bool {
        self.first <= version && version <= self.last
    }
}

/// One API: its versions, and the body of its request.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) api_key: i16,
    pub(crate) name: &'static str,
    pub(crate) versions: Versions,
    /// Where lengths are varints and every structure ends in tagged fields.
    pub(crate) flexible: Versions,
    pub(crate) body: Structure,
}

/// A structure: its fields in the order of the wire, then the known tagged ones.
#[derive(Debug)]
pub(crate) struct Structure {
    pub(crate) fields: &'static [Field],
    pub(crate) tagged: &'static [(u32, Field)],
}

/// A field, under the name that Kafka's definition gives it.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) versions: Versions,
    pub(crate) nullable: Versions,
    pub(crate) kind: Kind,
}

pub(crate) const fn field(
    name: &'static str,
    versions: Versions,
    nullable: Versions,
    kind: Kind,
) -> Field {
    Field {
        name,
        versions,
        nullable,
        kind,
    }
}

/// How a value lies on the wire.
#[derive(Debug)]
pub(crate) enum Kind {
    /// So many bytes, whatever is in them: numbers, booleans, uuids.
    Fixed(usize),
    /// A length and UTF-8.
    String,
    /// A length and bytes; records too.
    Bytes,
    /// A count and that many elements, none of them null.
    Array(&'static Kind),
    /// A structure; a nullable one has a byte before it that says whether it is there.
    Struct(&'static Structure),
}
