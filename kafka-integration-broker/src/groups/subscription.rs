//! The part of the consumers' own protocol that the coordinator reads.

use bytes::{Buf, Bytes};

/// The topics in a consumer's metadata, which all its versions begin with;
/// `None` when it can't be read.
pub(super) fn topics(metadata: &Bytes) -> Option<Vec<String>> {
    let mut rest = metadata.clone();
    let _version = rest.try_get_i16().ok()?;
    let count = usize::try_from(rest.try_get_i32().ok()?).ok()?;
    // Each topic takes two bytes at least: no room is made for more.
    let mut topics = Vec::with_capacity(count.min(rest.len() / 2));
    for _ in 0..count {
        let length = usize::try_from(rest.try_get_i16().ok()?).ok()?;
        if rest.len() < length {
            return None;
        }
        let name = rest.split_to(length);
        topics.push(std::str::from_utf8(&name).ok()?.to_owned());
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topics_of_any_version_are_read() {
        let bytes = b"\x00\x03\x00\x00\x00\x02\x00\x01a\x00\x02bc\xff\xff\xff\xff";
        let read = topics(&Bytes::from_static(bytes));
        assert_eq!(read, Some(vec!["a".to_owned(), "bc".to_owned()]));
    }

    #[test]
    fn what_is_no_subscription_is_none() {
        for bytes in [
            &b""[..],
            b"\x00",
            b"\x00\x00\x7f\xff\xff\xff",
            b"\x00\x00\xff\xff\xff\xff",
            b"\x00\x00\x00\x00\x00\x01\x00\x05a",
            b"\x00\x00\x00\x00\x00\x01\x00\x01\xff",
        ] {
            assert_eq!(topics(&Bytes::copy_from_slice(bytes)), None, "{bytes:?}");
        }
    }
}
