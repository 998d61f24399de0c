//! The walk over a frame, by its shape.

use super::shape::{Field, Kind, Structure};
use super::{Fault, MAX_ELEMENTS, Malformed};

/// Where the walk stands. It recurses as deep as the definitions nest, which no
/// frame can change.
pub(super) struct Walk<'a> {
    /// What is being walked, for the error.
    of: &'static str,
    frame: &'a [u8],
    at: usize,
    version: i16,
    flexible: bool,
    elements: usize,
    /// The field being walked, for the error.
    field: &'static str,
}

const TAGGED_FIELDS: &str = "tagged fields";

impl<'a> Walk<'a> {
    pub(super) fn new(of: &'static str, frame: &'a [u8], version: i16, flexible: bool) -> Self {
        Self {
            of,
            frame,
            at: 0,
            version,
            flexible,
            elements: 0,
            field: "",
        }
    }

    /// Bytes walked so far.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Names the field that the next steps are about.
    pub(super) fn about(&mut self, field: &'static str) -> &mut Self {
        self.field = field;
        self
    }

    pub(super) fn structure(&mut self, structure: &Structure) -> Result<(), Malformed> {
        for field in structure.fields {
            if field.versions.contains(self.version) {
                self.value(field)?;
            }
        }
        if self.flexible {
            self.tagged(structure.tagged)?;
        }
        Ok(())
    }

    fn value(&mut self, field: &Field) -> Result<(), Malformed> {
        self.field = field.name;
        let nullable = field.nullable.contains(self.version);
        match &field.kind {
            // Only a nullable structure has a byte that says whether it is there.
            Kind::Struct(structure) if nullable => match self.byte()? {
                1 => self.structure(structure),
                absent if absent >= 0x80 => Ok(()),
                other => Err(self.fault(Fault::Presence(other))),
            },
            Kind::Array(element) => {
                let count = self.count()?;
                self.not_null(count.is_none() && !nullable)?;
                self.elements(element, count.unwrap_or(0))
            }
            kind => {
                let there = self.plain(kind)?;
                self.not_null(!there && !nullable)
            }
        }
    }

    fn elements(&mut self, element: &Kind, count: usize) -> Result<(), Malformed> {
        let array = self.field;
        self.more_elements(count)?;
        if let Kind::Fixed(size) = element {
            // Cannot overflow: the count is bounded.
            return self.skip(count * size);
        }
        for _ in 0..count {
            self.field = array;
            let there = self.plain(element)?;
            self.not_null(!there)?;
        }
        Ok(())
    }

    /// Walks a value and says whether it was there, or null.
    fn plain(&mut self, kind: &Kind) -> Result<bool, Malformed> {
        match kind {
            Kind::Fixed(size) => self.skip(*size).map(|()| true),
            Kind::String => Ok(self.string()?.is_some()),
            Kind::Bytes => {
                let length = self.length()?;
                self.skip(length.unwrap_or(0))?;
                Ok(length.is_some())
            }
            Kind::Struct(structure) => self.structure(structure).map(|()| true),
            // The definitions have no array right inside an array.
            Kind::Array(element) => {
                let count = self.count()?;
                self.elements(element, count.unwrap_or(0))?;
                Ok(count.is_some())
            }
        }
    }

    fn tagged(&mut self, known: &[(u32, Field)]) -> Result<(), Malformed> {
        self.field = TAGGED_FIELDS;
        let count = self.varint()? as usize;
        self.more_elements(count)?;
        for _ in 0..count {
            self.field = TAGGED_FIELDS;
            let tag = self.varint()?;
            let size = self.varint()? as usize;
            match known.iter().find(|(known, _)| *known == tag) {
                None => self.skip(size)?,
                Some((_, field)) if !field.versions.contains(self.version) => {
                    return Err(self.fault(Fault::Tag(tag)));
                }
                // Like Kafka and the codec, the field itself says where it ends.
                Some((_, field)) => {
                    self.enough(size)?;
                    self.value(field)?;
                }
            }
        }
        Ok(())
    }

    /// The tagged fields of a structure that has no known ones.
    pub(super) fn unknown_tagged(&mut self) -> Result<(), Malformed> {
        self.tagged(&[])
    }

    /// A string as the version writes it; its bytes, when not null.
    fn string(&mut self) -> Result<Option<&'a str>, Malformed> {
        let length = if self.flexible {
            self.length()?
        } else {
            self.short_length()?
        };
        let Some(length) = length else {
            return Ok(None);
        };
        if length > i16::MAX as usize {
            return Err(self.fault(Fault::StringLength(length)));
        }
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.fault(Fault::Utf8))?;
        Ok(Some(text))
    }

    /// The length of a string outside of the flexible versions.
    pub(super) fn short_length(&mut self) -> Result<Option<usize>, Malformed> {
        let [high, low] = self.array()?;
        self.signed_length(i32::from(i16::from_be_bytes([high, low])))
    }

    /// The length of bytes or the count of an array.
    fn length(&mut self) -> Result<Option<usize>, Malformed> {
        if self.flexible {
            // One more than the length; 0 is null.
            Ok((self.varint()? as usize).checked_sub(1))
        } else {
            let length = i32::from_be_bytes(self.array()?);
            self.signed_length(length)
        }
    }

    fn signed_length(&self, length: i32) -> Result<Option<usize>, Malformed> {
        match length {
            -1 => Ok(None),
            _ => usize::try_from(length)
                .map(Some)
                .map_err(|_| self.fault(Fault::Negative(length))),
        }
    }

    /// The count of an array. No element takes less than a byte.
    fn count(&mut self) -> Result<Option<usize>, Malformed> {
        let count = self.length()?;
        self.enough(count.unwrap_or(0))?;
        Ok(count)
    }

    fn more_elements(&mut self, count: usize) -> Result<(), Malformed> {
        self.elements = self.elements.saturating_add(count);
        if self.elements > MAX_ELEMENTS {
            return Err(self.fault(Fault::Elements));
        }
        Ok(())
    }

    /// Seven bits a byte, the lowest first. Like Kafka and the codec it drops
    /// what of the fifth byte is beyond 32 bits.
    fn varint(&mut self) -> Result<u32, Malformed> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.fault(Fault::Varint))
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn skip(&mut self, size: usize) -> Result<(), Malformed> {
        self.take(size).map(|_| ())
    }

    pub(super) fn take(&mut self, size: usize) -> Result<&'a [u8], Malformed> {
        self.enough(size)?;
        let taken = self.frame.get(self.at..self.at + size).unwrap_or_default();
        self.at += size;
        Ok(taken)
    }

    fn enough(&self, wanted: usize) -> Result<(), Malformed> {
        let left = self.frame.len() - self.at;
        if wanted > left {
            return Err(self.fault(Fault::Truncated { wanted, left }));
        }
        Ok(())
    }

    fn not_null(&self, null: bool) -> Result<(), Malformed> {
        if null {
            return Err(self.fault(Fault::Null));
        }
        Ok(())
    }

    fn fault(&self, fault: Fault) -> Malformed {
        Malformed::Field {
            of: self.of,
            field: self.field,
            at: self.at,
            fault,
        }
    }
}
