//! The codecs of record batches: number and function, as
//! [`Batch::compressed`](kafka_integration_tests::raw::Batch::compressed) takes
//! them.

use std::io::Write;

use kafka_integration_tests::raw::Compress;

pub type Codec = (i16, Compress);

pub const GZIP: Codec = (1, gzip);
pub const SNAPPY: Codec = (2, snappy);
/// Snappy in the frames of snappy-java, as Java, Go and Python have it.
pub const SNAPPY_XERIAL: Codec = (2, snappy_xerial);
pub const LZ4: Codec = (3, lz4);
pub const ZSTD: Codec = (4, zstd);

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = snap::raw::Encoder::new();
    encoder.compress_vec(bytes).expect("a block of snappy")
}

fn snappy_xerial(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    for block in bytes.chunks(32) {
        let block = snappy(block);
        out.extend((block.len() as u32).to_be_bytes());
        out.extend(block);
    }
    out
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
    out.write_all(bytes).expect("memory");
    out.finish().expect("a frame of lz4")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 0).expect("memory does not fail")
}
