//! The four compressions of Kafka, as streams.

use std::io::{self, Read, Write};

use super::snappy;

/// A payload's compression, as the low bits of a batch's attributes name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    /// `None` for a number that Kafka has given no meaning.
    pub(crate) fn from_number(number: i16) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The compression that a topic's `compression.type` asks for; `None` when
    /// it leaves that to the producer.
    pub(crate) fn from_setting(name: &str) -> Option<Self> {
        match name {
            "uncompressed" => Some(Self::None),
            "gzip" => Some(Self::Gzip),
            "snappy" => Some(Self::Snappy),
            "lz4" => Some(Self::Lz4),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Reads what `payload` was before it was compressed.
    ///
    /// Memory is bounded whatever the payload claims: a block of lz4 or a
    /// window of zstd (128 MiB at the very most, as in Kafka's own clients),
    /// and for snappy what so many bytes can unfold to, 22 times their size.
    pub(super) fn reader<'a>(self, payload: &'a [u8]) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::None => Box::new(payload),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(payload)),
            Self::Snappy => Box::new(snappy::Blocks::new(payload)),
            Self::Lz4 => {
                independent_lz4(payload)?;
                Box::new(lz4_flex::frame::FrameDecoder::new(payload))
            }
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(payload)?),
        })
    }

    /// Compresses a payload anew, as Kafka's cleaner does, in the framing that
    /// every client reads.
    pub(super) fn compress(self, payload: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(payload.to_vec()),
            Self::Gzip => {
                let level = flate2::Compression::default();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(payload)?;
                encoder.finish()
            }
            Self::Snappy => snappy::compress(payload),
            Self::Lz4 => {
                let info = lz4_flex::frame::FrameInfo::new()
                    .block_mode(lz4_flex::frame::BlockMode::Independent)
                    .block_size(lz4_flex::frame::BlockSize::Max64KB);
                let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
                encoder.write_all(payload)?;
                encoder.finish().map_err(io::Error::other)
            }
            Self::Zstd => zstd::stream::encode_all(payload, 0),
        }
    }
}

/// Kafka's Java client reads only frames of version 1 whose blocks don't refer
/// to each other; another frame would stop every such consumer.
fn independent_lz4(payload: &[u8]) -> io::Result<()> {
    const MAGIC: [u8; 4] = 0x184D_2204_u32.to_le_bytes();
    const VERSION_1: u8 = 0b0100_0000;
    const INDEPENDENT: u8 = 0b0010_0000;
    let flags = payload
        .strip_prefix(&MAGIC)
        .and_then(|rest| rest.first().copied());
    match flags {
        Some(flags) if flags & 0b1100_0000 == VERSION_1 && flags & INDEPENDENT != 0 => Ok(()),
        Some(_) => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "an lz4 frame of another version, or with dependent blocks",
        )),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "not an lz4 frame",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Codec; 5] = [
        Codec::None,
        Codec::Gzip,
        Codec::Snappy,
        Codec::Lz4,
        Codec::Zstd,
    ];

    fn decompress(codec: Codec, payload: &[u8]) -> io::Result<Vec<u8>> {
        let mut found = Vec::new();
        codec.reader(payload)?.read_to_end(&mut found)?;
        Ok(found)
    }

    #[test]
    fn what_is_compressed_comes_back() {
        let long: Vec<u8> = (0..200_000u32).map(|at| (at / 7 % 251) as u8).collect();
        for codec in ALL {
            for text in [&b""[..], b"a", &long] {
                let compressed = codec.compress(text).expect("compresses");
                let back = decompress(codec, &compressed).expect("decompresses");
                assert!(back == text, "{codec:?}, {} bytes", text.len());
            }
        }
    }

    #[test]
    fn truncated_and_damaged_payloads_never_yield_more_nor_a_panic() {
        let text: Vec<u8> = (0..70_000u32).map(|at| (at % 253) as u8).collect();
        for codec in ALL {
            let whole = codec.compress(&text).expect("compresses");
            for cut in (0..whole.len()).step_by(whole.len() / 50 + 1) {
                match decompress(codec, &whole[..cut]) {
                    // An lz4 frame may lack its end mark.
                    Ok(found) => assert!(text.starts_with(&found), "{codec:?} cut at {cut}"),
                    Err(_) => continue,
                }
            }
            for at in (0..whole.len()).step_by(whole.len() / 50 + 1) {
                let mut damaged = whole.clone();
                damaged[at] ^= 0x55;
                let _ = decompress(codec, &damaged);
            }
        }
    }

    #[test]
    fn lz4_with_dependent_blocks_is_refused_as_the_java_client_refuses_it() {
        let info = lz4_flex::frame::FrameInfo::new().block_mode(lz4_flex::frame::BlockMode::Linked);
        let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(b"text").expect("writes");
        let linked = encoder.finish().expect("finishes");
        assert!(decompress(Codec::Lz4, &linked).is_err());
        assert!(decompress(Codec::Lz4, b"no frame").is_err());
    }
}
