#!/usr/bin/env python3
"""Writes corpus/record_batch: sound batches in every compression, cut and absurd
ones, and bombs (small when sent, large when decompressed).

    pip install cramjam && fuzz/batches.py

A file's first byte tells the target what to mend before the check: 1 the
length, 2 the checksum. Bombs unfold to 64 MiB, far above any limit that a
broker sets on a batch, and stay small enough to be kept in the repository.
"""

import struct
from pathlib import Path

import cramjam

OUT = Path(__file__).resolve().parent / "corpus/record_batch"
NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
BOMB = 64 << 20


def varint(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def record(delta, value=b"value", key=b"key", headers=((b"h", b"1"),), length=None):
    body = b"\0" + varint(delta) + varint(delta)
    for part in (key, value):
        body += varint(-1) if part is None else varint(len(part)) + part
    body += varint(len(headers))
    for name, text in headers:
        body += varint(len(name)) + name + varint(len(text)) + text
    return varint(len(body) if length is None else length) + body


def snappy_java(data):
    block = bytes(cramjam.snappy.compress_raw(data))
    return b"\x82SNAPPY\0" + struct.pack(">iii", 1, 1, len(block)) + block


COMPRESS = {
    "none": (NONE, bytes),
    "gzip": (GZIP, lambda d: bytes(cramjam.gzip.compress(d))),
    "snappy": (SNAPPY, lambda d: bytes(cramjam.snappy.compress_raw(d))),
    "snappy-java": (SNAPPY, snappy_java),
    "lz4": (LZ4, lambda d: bytes(cramjam.lz4.compress(d))),
    "zstd": (ZSTD, lambda d: bytes(cramjam.zstd.compress(d))),
}


def batch(records, attributes=NONE, count=2, last=None, base_offset=0, producer=(-1, -1, -1), magic=2):
    tail = struct.pack(
        ">hiqqqhii", attributes, count - 1 if last is None else last, 1_700_000_000_000,
        1_700_000_000_001, *producer, count,
    ) + records  # fmt: skip
    return struct.pack(">qiibI", base_offset, len(tail) + 9, -1, magic, 0) + tail


def write(name, data, mend=3):
    (OUT / name).write_bytes(bytes([mend]) + data)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    two = record(0) + record(1, key=None)
    for name, (kind, compress) in COMPRESS.items():
        packed = compress(two)
        sound = batch(packed, kind)
        write(f"sound-{name}", sound)
        write(f"cut-{name}", sound[: 61 + len(packed) // 2])
        write(f"behind-{name}", sound + b"\0" * 9)
        write(f"garbage-{name}", batch(b"\xde\xad\xbe\xef" * 9, kind))
        write(f"empty-{name}", batch(b"", kind, count=0, last=-1))
        # A value of zeros, and one that claims more than there is.
        write(f"lying-{name}", batch(compress(record(0, length=0x7FFFFFFF)), kind, count=1))
        if kind in (GZIP, ZSTD):
            write(f"bomb-{name}", batch(compress(record(0, value=bytes(BOMB))), kind, count=1))
    # LZ4 and Snappy shrink zeros by 255 and 21 at most: smaller bombs.
    write("bomb-lz4", batch(COMPRESS["lz4"][1](record(0, value=bytes(8 << 20))), LZ4, count=1))
    claims = {"1GiB": b"\x80\x80\x80\x80\x04", "4GiB": b"\xff\xff\xff\xff\x0f"}
    for name, size in claims.items():
        write(f"claims-{name}-snappy", batch(size + b"\0a", SNAPPY, count=1))
        java = b"\x82SNAPPY\0" + struct.pack(">iii", 1, 1, len(size) + 2) + size + b"\0a"
        write(f"claims-{name}-snappy-java", batch(java, SNAPPY, count=1))
    java = b"\x82SNAPPY\0" + struct.pack(">iii", 1, 1, 0x7FFFFFFF)
    write("claims-block-snappy-java", batch(java, SNAPPY, count=1))
    # A zstd frame that announces 2^62 bytes and a window of 2 GiB, and a gzip of a gzip.
    write("claims-zstd", batch(b"\x28\xb5\x2f\xfd\xc0\x08" + struct.pack("<Q", 1 << 62), ZSTD, count=1))
    write("window-zstd", batch(b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x01\0\0", ZSTD, count=1))
    nested = COMPRESS["gzip"][1](COMPRESS["gzip"][1](bytes(BOMB)))
    write("nested-gzip", batch(nested, GZIP, count=1))
    # A bomb of records: a million, each of the least size.
    many = COMPRESS["zstd"][1](b"".join([record(0, b"", None, ())] * 1_000_000))
    write("many-zstd", batch(many, ZSTD, count=1_000_000))
    for name, count, last in [
        ("count-max", 0x7FFFFFFF, 0x7FFFFFFE), ("count-min", -0x80000000, 1), ("count-minus", -1, -2),
        ("last-max", 2, 0x7FFFFFFF), ("last-min", 2, -0x80000000), ("count-more", 3, 2), ("count-less", 1, 0),
    ]:  # fmt: skip
        write(name, batch(two, count=count, last=last))
    for name, length in [("minus", -1), ("min", -0x80000000), ("max", 0x7FFFFFFF), ("zero", 0), ("short", 8)]:
        sound = batch(two)
        write(f"length-{name}", sound[:8] + struct.pack(">i", length) + sound[12:], mend=2)
    for name, producer in [
        ("sequence-minus", (1, 0, -1)), ("sequence-min", (1, 0, -0x80000000)), ("sequence-max", (1, 0, 0x7FFFFFFF)),
        ("producer-min", (-(1 << 63), 0, 0)), ("epoch-minus", (1, -1, 0)),
    ]:  # fmt: skip
        write(name, batch(two, producer=producer))
    write("base-offset-max", batch(two, base_offset=(1 << 63) - 1))
    write("base-offset-min", batch(two, base_offset=-(1 << 63)))
    write("magic-0", batch(two, magic=0))
    write("magic-1", batch(two, magic=1))
    write("compression-5", batch(two, attributes=5))
    write("control", batch(two, attributes=0x20))
    write("two-batches", batch(two) + batch(two), mend=2)
    sound = batch(two)
    for size in (0, 7, 11, 16, 20, 21, 60, 61, 62, len(sound) - 1):
        write(f"first-{size}", sound[:size], mend=0)
    write("headers-max", batch(record(0)[:-4] + varint(0x7FFFFFFF), count=1))
    write("varint-overlong", batch(b"\x80" * 12, count=1))


if __name__ == "__main__":
    main()
