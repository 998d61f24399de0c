use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The class of an error: its type, or the type's name.
///
/// By type ([`ErrorClass::of`]), an error belongs to the class when it or one of
/// its causes is of that type. By name, when the type's path ends in the name:
/// `Timeout` and `payments::Timeout` both name `shop::payments::Timeout`. A
/// panic's class is `panic`.
#[derive(Clone)]
pub struct ErrorClass {
    name: Cow<'static, str>,
    is: Option<fn(&(dyn Error + 'static)) -> bool>,
}

impl ErrorClass {
    /// The class of a type.
    pub fn of<E: Error + 'static>() -> Self {
        Self {
            name: std::any::type_name::<E>().into(),
            is: Some(|error| error.is::<E>()),
        }
    }

    /// The class of that name, which is a type's path or the end of one.
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            is: None,
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether an error of that class name is in it; `error` is asked for its
    /// type, and its causes are.
    pub(crate) fn contains(&self, class: &str, error: Option<&(dyn Error + 'static)>) -> bool {
        if let Some(is) = self.is {
            let mut cause = error;
            while let Some(error) = cause {
                if is(error) {
                    return true;
                }
                cause = error.source();
            }
        }
        path_ends_in(class, &self.name)
    }
}

/// Whether the path ends in whole segments of that name. What is between `<`
/// and `>` belongs to the last segment.
pub(crate) fn path_ends_in(path: &str, name: &str) -> bool {
    match path.strip_suffix(name) {
        Some("") => !name.is_empty(),
        Some(before) => !name.is_empty() && before.ends_with("::") && !before.contains('<'),
        None => false,
    }
}

impl PartialEq for ErrorClass {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Serialize for ErrorClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for ErrorClass {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::fmt::Error);

    #[test]
    fn a_type_is_found_among_the_causes_and_a_name_at_the_end_of_the_path() {
        let error = Outer(std::fmt::Error);
        let name = std::any::type_name::<Outer>();
        let contains = |class: ErrorClass| class.contains(name, Some(&error));
        assert!(contains(ErrorClass::of::<Outer>()));
        assert!(contains(ErrorClass::of::<std::fmt::Error>()));
        assert!(!contains(ErrorClass::of::<std::io::Error>()));
        assert!(contains(ErrorClass::named("Outer")));
        assert!(contains(ErrorClass::named("tests::Outer")));
        for other in ["", "uter", "Error", "x::Outer"] {
            assert!(!contains(ErrorClass::named(other)), "{other}");
        }
    }
}
