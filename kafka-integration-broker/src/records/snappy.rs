//! Snappy in its two framings: the blocks of snappy-java, which most clients
//! write, and one raw block, as KafkaJS writes it.

use std::io::{self, Read};

/// Begins a stream of snappy-java; then follow two versions of four bytes.
const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const HEADER: usize = 16;
/// What snappy-java puts into one block.
const BLOCK: usize = 32 * 1024;
/// A copy of 64 bytes takes three: no block unfolds to more than this many
/// times its size. One that claims more is not believed, nor allocated.
const LARGEST_RATIO: usize = 22;

/// Decompresses block by block.
pub(super) struct Blocks<'a> {
    rest: &'a [u8],
    framed: bool,
    block: Vec<u8>,
    at: usize,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Self {
        Self {
            rest: payload,
            framed: payload.len() >= HEADER && payload.starts_with(&MAGIC),
            block: Vec::new(),
            at: 0,
        }
    }

    /// The next block as it is compressed; `None` at the end.
    fn next_block(&mut self) -> io::Result<Option<&'a [u8]>> {
        if !self.framed {
            let whole = std::mem::take(&mut self.rest);
            return Ok((!whole.is_empty()).then_some(whole));
        }
        // Streams may follow each other, each with its header.
        while self.rest.len() >= HEADER && self.rest.starts_with(&MAGIC) {
            self.rest = &self.rest[HEADER..];
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (length, rest) = self
            .rest
            .split_first_chunk::<4>()
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let length =
            usize::try_from(i32::from_be_bytes(*length)).map_err(|_| io::ErrorKind::InvalidData)?;
        let (block, rest) = rest
            .split_at_checked(length)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        self.rest = rest;
        Ok(Some(block))
    }
}

impl Read for Blocks<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.block.len() {
            let Some(compressed) = self.next_block()? else {
                return Ok(0);
            };
            let length = snap::raw::decompress_len(compressed).map_err(io::Error::other)?;
            if length > compressed.len().saturating_mul(LARGEST_RATIO) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.block.resize(length, 0);
            self.at = 0;
            let written = snap::raw::Decoder::new()
                .decompress(compressed, &mut self.block)
                .map_err(io::Error::other)?;
            self.block.truncate(written);
        }
        let ready = &self.block[self.at..];
        let taken = ready.len().min(into.len());
        into[..taken].copy_from_slice(&ready[..taken]);
        self.at += taken;
        Ok(taken)
    }
}

/// Writes the blocks of snappy-java, which every client reads.
pub(super) fn compress(payload: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(HEADER + payload.len() / 2);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&1_i32.to_be_bytes());
    out.extend_from_slice(&1_i32.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for piece in payload.chunks(BLOCK) {
        let block = encoder.compress_vec(piece).map_err(io::Error::other)?;
        out.extend_from_slice(&(block.len() as u32).to_be_bytes());
        out.extend_from_slice(&block);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &[u8]) -> io::Result<Vec<u8>> {
        let mut found = Vec::new();
        Blocks::new(payload).read_to_end(&mut found)?;
        Ok(found)
    }

    #[test]
    fn a_raw_block_is_read_too() {
        let text = b"snappy ".repeat(10_000);
        let raw = snap::raw::Encoder::new()
            .compress_vec(&text)
            .expect("compresses");
        assert_eq!(read(&raw).expect("decompresses"), text);
    }

    #[test]
    fn streams_that_follow_each_other_are_one() {
        let mut two = compress(b"one").expect("compresses");
        two.extend(compress(b"two").expect("compresses"));
        assert_eq!(read(&two).expect("decompresses"), b"onetwo");
    }

    #[test]
    fn a_block_that_claims_gigabytes_is_not_believed() {
        // Its length, 0xFFFFFFFF as a varint, then nothing.
        let raw = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
        let error = read(&raw).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn the_best_a_block_can_do_is_within_the_ratio() {
        let text = vec![b'x'; 1 << 20];
        let raw = snap::raw::Encoder::new()
            .compress_vec(&text)
            .expect("compresses");
        assert!(text.len() / raw.len() < LARGEST_RATIO);
        assert_eq!(read(&raw).expect("decompresses").len(), text.len());
    }
}
