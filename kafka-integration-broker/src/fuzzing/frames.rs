//! Well-formed requests of every API and version, written by their shape.

use super::batches::batch;
use super::rng::Rng;
use crate::wire::guard::shape::{Field, Kind, Shape, Structure};
use crate::wire::guard::shapes::SHAPES;

/// Every API in every version.
#[cfg(test)]
pub(crate) fn every_version() -> impl Iterator<Item = (&'static Shape, i16)> {
    SHAPES.iter().flat_map(|shape| {
        let versions = shape.versions;
        (versions.first..=versions.last).map(move |version| (shape, version))
    })
}

/// A request of any API and version, header included, filled with what the
/// numbers say. It is as the codec would write it: decoding it and encoding it
/// again gives the same bytes.
pub fn request(rng: &mut Rng) -> Vec<u8> {
    let shape = &SHAPES[rng.below(SHAPES.len())];
    let versions = shape.versions;
    let span = usize::try_from(versions.last - versions.first).unwrap_or(0) + 1;
    let version = versions.first + i16::try_from(rng.below(span)).unwrap_or(0);
    let mut frame = header(shape, version, rng);
    frame.extend(body(shape, version, rng));
    frame
}

/// The header of such a request.
pub(super) fn header(shape: &Shape, version: i16, rng: &mut Rng) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend(shape.api_key.to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend((rng.number() as u32).to_be_bytes());
    let mut writer = Writer::new(version, false, rng);
    let no_client_id = rng_null(writer.rng);
    writer.string(no_client_id);
    frame.extend(writer.out);
    if shape.flexible.contains(version) {
        let mut writer = Writer::new(version, true, rng);
        writer.tagged(&[]);
        frame.extend(writer.out);
    }
    frame
}

/// The body of such a request.
pub(crate) fn body(shape: &Shape, version: i16, rng: &mut Rng) -> Vec<u8> {
    let mut writer = Writer::new(version, shape.flexible.contains(version), rng);
    writer.structure(&shape.body);
    writer.out
}

fn rng_null(rng: &mut Rng) -> bool {
    rng.once_in(4)
}

struct Writer<'a> {
    out: Vec<u8>,
    version: i16,
    flexible: bool,
    rng: &'a mut Rng,
}

impl<'a> Writer<'a> {
    fn new(version: i16, flexible: bool, rng: &'a mut Rng) -> Self {
        Self {
            out: Vec::new(),
            version,
            flexible,
            rng,
        }
    }

    fn structure(&mut self, structure: &Structure) {
        for field in structure.fields {
            if field.versions.contains(self.version) {
                self.value(field);
            }
        }
        if self.flexible {
            self.tagged(structure.tagged);
        }
    }

    fn value(&mut self, field: &Field) {
        let null = field.nullable.contains(self.version) && rng_null(self.rng);
        match &field.kind {
            Kind::Struct(_) if null => self.out.push(0xff),
            Kind::Struct(structure) => {
                if field.nullable.contains(self.version) {
                    self.out.push(1);
                }
                self.structure(structure);
            }
            kind => self.plain(kind, null),
        }
    }

    fn plain(&mut self, kind: &Kind, null: bool) {
        match kind {
            // Also a boolean, which is 0 or 1.
            Kind::Fixed(1) => self.out.push(self.rng.below(2) as u8),
            // Small numbers are what partitions, epochs and counts are like.
            Kind::Fixed(size) if self.rng.once_in(2) => {
                self.out.extend(vec![0; size - 1]);
                self.out.push(self.rng.below(4) as u8);
            }
            Kind::Fixed(size) => {
                for _ in 0..*size {
                    self.out.push(self.rng.number() as u8);
                }
            }
            Kind::String => self.string(null),
            Kind::Bytes => {
                let bytes = if self.rng.once_in(2) {
                    batch(self.rng)
                } else {
                    let length = self.rng.below(40);
                    (0..length).map(|_| self.rng.number() as u8).collect()
                };
                self.length((!null).then_some(bytes.len()));
                if !null {
                    self.out.extend(bytes);
                }
            }
            Kind::Struct(structure) => self.structure(structure),
            Kind::Array(element) => {
                let count = self.rng.below(4);
                self.length((!null).then_some(count));
                if !null {
                    for _ in 0..count {
                        self.plain(element, false);
                    }
                }
            }
        }
    }

    fn string(&mut self, null: bool) {
        const TEXTS: [&str; 6] = [
            "",
            "a",
            "orders",
            "größe",
            "__consumer_offsets",
            "\u{1f980}",
        ];
        let long = "x".repeat(self.rng.below(300));
        let text = match self.rng.below(TEXTS.len() + 1) {
            at if at < TEXTS.len() => TEXTS[at],
            _ => &long,
        };
        if self.flexible {
            self.length((!null).then_some(text.len()));
        } else {
            let length = if null { -1 } else { text.len() as i16 };
            self.out.extend(length.to_be_bytes());
        }
        if !null {
            self.out.extend(text.as_bytes());
        }
    }

    /// Known fields, then unknown ones, by ascending tag.
    fn tagged(&mut self, known: &[(u32, Field)]) {
        let mut fields = Vec::new();
        for (tag, field) in known {
            if field.versions.contains(self.version) && self.rng.once_in(2) {
                let mut writer = Writer::new(self.version, true, self.rng);
                // The codec leaves out what is null, as that is the default.
                match &field.kind {
                    Kind::Struct(structure) => writer.structure(structure),
                    kind => writer.plain(kind, false),
                }
                // The default is left out too, and may be all zeros.
                if writer.out.iter().any(|byte| *byte != 0) {
                    fields.push((*tag, writer.out));
                }
            }
        }
        let mut tag = 100;
        while self.rng.once_in(4) {
            tag += 1 + self.rng.below(1 << 20) as u32;
            fields.push((tag, vec![0x5a; self.rng.below(200)]));
        }
        self.varint(fields.len() as u32);
        for (tag, value) in fields {
            self.varint(tag);
            self.varint(value.len() as u32);
            self.out.extend(value);
        }
    }

    fn length(&mut self, length: Option<usize>) {
        if self.flexible {
            self.varint(length.map_or(0, |length| length as u32 + 1));
        } else {
            let length = length.map_or(-1, |length| length as i32);
            self.out.extend(length.to_be_bytes());
        }
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }
}
