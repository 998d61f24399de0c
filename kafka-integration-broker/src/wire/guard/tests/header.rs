//! The header, by hand: versions 1 and 2, and what Kafka does with odd ones.

use crate::wire::guard::Malformed;
use crate::wire::guard::header::{RequestHeader, request_header};

fn read(frame: &[u8]) -> (RequestHeader<'_>, usize) {
    request_header(frame).unwrap_or_else(|refused| panic!("{frame:?}: {refused}"))
}

#[test]
fn both_versions() {
    // Metadata 1: header 1; Metadata 9: header 2, with tagged fields.
    let (header, body) = read(b"\0\x03\0\x01\0\0\0\x07\0\x01cXX");
    assert_eq!(
        (header.api_key, header.api_version, header.correlation_id),
        (3, 1, 7)
    );
    assert_eq!((&*header.client_id, body), ("c", 11));
    let (header, body) = read(b"\0\x03\0\x09\0\0\0\x07\xff\xff\x01\x05\x02abXX");
    assert_eq!((&*header.client_id, body), ("", 15));
}

#[test]
fn api_versions_is_read_in_any_version() {
    let (header, body) = read(b"\0\x12\0\x63\0\0\0\x07\0\x01c\0garbage");
    assert_eq!((header.api_version, body), (99, 12));
    let (header, body) = read(b"\0\x12\xff\xff\0\0\0\x07\0\x01c");
    assert_eq!((header.api_version, body), (-1, 11));
}

#[test]
fn a_client_id_that_is_not_utf8_is_read_as_kafka_reads_it() {
    let (header, body) = read(b"\0\x03\0\x01\0\0\0\x07\0\x02\xff\xfe");
    assert_eq!((&*header.client_id, body), ("\u{fffd}\u{fffd}", 12));
}

#[test]
fn cut_anywhere_it_is_refused() {
    let whole = b"\0\x03\0\x09\0\0\0\x07\0\x01c\x01\x05\x02ab";
    assert_eq!(read(whole).1, whole.len());
    for end in 0..whole.len() {
        assert!(request_header(&whole[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn other_unknown_versions_are_unsupported() {
    let refused = request_header(b"\0\x03\0\x63\0\0\0\x07\0\x01c");
    let unsupported = Malformed::Unsupported {
        api_key: 3,
        api_version: 99,
    };
    assert_eq!(refused, Err(unsupported));
}
