//! One record of a batch, read without an allocation.

use std::io::{self, BufRead, Read};
use std::ops::Range;

/// Why the records of a batch can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// They are not records.
    #[error("{0}")]
    Structure(&'static str),
    /// They can't be decompressed.
    #[error("the records can't be decompressed: {0}")]
    Codec(io::Error),
    /// They would unfold to more than is looked at.
    #[error("the records unfold to more than {limit} bytes")]
    TooMuch {
        /// In bytes.
        limit: u64,
    },
}

const EARLY_END: &str = "the batch ends within a record";

/// A record without its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Skimmed {
    pub(crate) attributes: u8,
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) has_key: bool,
    pub(crate) has_value: bool,
}

/// Reads one record and skips what it contains.
pub(super) fn skim(from: &mut impl BufRead) -> Result<Skimmed, Unreadable> {
    let mut body = Body::begin(from)?;
    let record = Skimmed {
        attributes: body.byte()?,
        timestamp_delta: body.varlong()?,
        offset_delta: body.varint()?,
        has_key: body.skip_field()?,
        has_value: body.skip_field()?,
    };
    body.skip_headers()?;
    Ok(record)
}

/// Where parts of a record are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) key: Range<usize>,
    /// From the key's length to the end.
    pub(super) rest: usize,
}

/// Reads one record into `into`, with its length before it as it stands in a
/// batch; returns it, and where its key is.
pub(super) fn take(
    from: &mut impl BufRead,
    into: &mut Vec<u8>,
) -> Result<(Skimmed, Parts), Unreadable> {
    into.clear();
    let length = Body { from, left: 5 }.varint()?;
    let length = usize::try_from(length).map_err(|_| Unreadable::Structure(NEGATIVE))?;
    put_varint(into, length as i32);
    let head = into.len();
    // Grows with what comes, not with what was claimed.
    let read = Read::take(&mut *from, length as u64)
        .read_to_end(into)
        .map_err(Unreadable::Codec)?;
    if read != length {
        return Err(Unreadable::Structure(EARLY_END));
    }
    let mut rest = &into[..];
    let record = skim(&mut rest)?;
    // Skimming proved that these can be read.
    let whole = into.len();
    let mut bytes = &into[head..];
    let mut body = Body {
        left: bytes.len(),
        from: &mut bytes,
    };
    body.byte()?;
    body.varlong()?;
    body.varint()?;
    let rest = whole - body.left;
    let key_length = usize::try_from(body.varint()?).unwrap_or(0);
    let key = whole - body.left;
    let key = key..key + key_length;
    Ok((record, Parts { key, rest }))
}

const NEGATIVE: &str = "a record with a negative length";

/// What is left of the record that is being read.
struct Body<'r, R> {
    from: &'r mut R,
    left: usize,
}

impl<'r, R: BufRead> Body<'r, R> {
    fn begin(from: &'r mut R) -> Result<Self, Unreadable> {
        // The length is no part of what it counts.
        let mut body = Self { from, left: 5 };
        let length = body.varint()?;
        body.left = usize::try_from(length).map_err(|_| Unreadable::Structure(NEGATIVE))?;
        Ok(body)
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        if self.left == 0 {
            return Err(Unreadable::Structure("a record is longer than it says"));
        }
        let ready = self.from.fill_buf().map_err(Unreadable::Codec)?;
        let byte = *ready.first().ok_or(Unreadable::Structure(EARLY_END))?;
        self.from.consume(1);
        self.left -= 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<i32, Unreadable> {
        let value = self.unsigned(5)?;
        // What a fifth byte has beyond 32 bits is dropped, as in Kafka.
        let value = value as u32;
        Ok((value >> 1) as i32 ^ -((value & 1) as i32))
    }

    fn varlong(&mut self) -> Result<i64, Unreadable> {
        let value = self.unsigned(10)?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn unsigned(&mut self, longest: u32) -> Result<u64, Unreadable> {
        let mut value = 0;
        for at in 0..longest {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << (7 * at);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Unreadable::Structure("a number of too many bytes"))
    }

    fn skip(&mut self, mut length: usize) -> Result<(), Unreadable> {
        if length > self.left {
            return Err(Unreadable::Structure("a field is longer than its record"));
        }
        self.left -= length;
        while length > 0 {
            let ready = self.from.fill_buf().map_err(Unreadable::Codec)?.len();
            if ready == 0 {
                return Err(Unreadable::Structure(EARLY_END));
            }
            let step = ready.min(length);
            self.from.consume(step);
            length -= step;
        }
        Ok(())
    }

    /// Whether there is one; a negative length says there is none.
    fn skip_field(&mut self) -> Result<bool, Unreadable> {
        let Ok(length) = usize::try_from(self.varint()?) else {
            return Ok(false);
        };
        self.skip(length)?;
        Ok(true)
    }

    /// To the record's end.
    fn skip_headers(mut self) -> Result<(), Unreadable> {
        let count = self.varint()?;
        let count = usize::try_from(count).ok().filter(|n| *n <= self.left);
        let count = count.ok_or(Unreadable::Structure("an absurd number of headers"))?;
        for _ in 0..count {
            if !self.skip_field()? {
                return Err(Unreadable::Structure("a header without a key"));
            }
            self.skip_field()?;
        }
        if self.left > 0 {
            return Err(Unreadable::Structure("a record is shorter than it says"));
        }
        Ok(())
    }
}

/// Writes a number as [`Body::varint`] reads it.
pub(super) fn put_varint(into: &mut Vec<u8>, value: i32) {
    put_varlong(into, i64::from(value));
}

/// Writes a number as [`Body::varlong`] reads it.
pub(super) fn put_varlong(into: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        into.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::build::{Given, record};

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, -1, 63, 64, -64, -65, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            put_varlong(&mut bytes, value);
            let mut rest = &bytes[..];
            let mut body = Body {
                left: rest.len(),
                from: &mut rest,
            };
            assert_eq!(body.varlong().expect("reads"), value);
            assert_eq!(body.left, 0);
        }
    }

    #[test]
    fn a_record_is_read_whole_or_not_at_all() {
        let bytes = record(&Given {
            offset_delta: 3,
            timestamp_delta: -7,
            key: Some(b"key".to_vec()),
            value: None,
            headers: vec![(b"h".to_vec(), Some(b"v".to_vec())), (Vec::new(), None)],
        });
        let mut rest = &bytes[..];
        let found = skim(&mut rest).expect("reads");
        assert_eq!((found.offset_delta, found.timestamp_delta), (3, -7));
        assert!(found.has_key && !found.has_value && rest.is_empty());
        let mut taken = Vec::new();
        let (again, parts) = take(&mut &bytes[..], &mut taken).expect("reads");
        assert_eq!(again, found);
        assert_eq!((&taken[parts.key], &taken), (&b"key"[..], &bytes));
        assert_eq!(&taken[parts.rest..][1..4], b"key");
        for cut in 0..bytes.len() {
            assert!(skim(&mut &bytes[..cut]).is_err(), "cut at {cut}");
            assert!(
                take(&mut &bytes[..cut], &mut taken).is_err(),
                "cut at {cut}"
            );
        }
        for length in [bytes[0] - 2, bytes[0] + 2] {
            let mut wrong = bytes.clone();
            wrong[0] = length;
            wrong.push(0);
            assert!(skim(&mut &wrong[..]).is_err(), "length {length}");
        }
    }
}
