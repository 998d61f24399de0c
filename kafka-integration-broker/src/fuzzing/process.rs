//! The process that is fuzzed.

/// What it may hold at its peak, in bytes: the broker keeps at most 64 MiB of
/// records, and decoding a request takes at most some 70 MiB. The rest is the
/// fuzzer's own, or the other tests'.
const MEMORY: usize = 1024 * 1024 * 1024;

/// Where the system tells: on Linux.
///
/// # Panics
/// When the process ever held more than a gigabyte.
pub(super) fn assert_memory_bounded() {
    if let Some(held) = peak() {
        assert!(held < MEMORY, "the process held {held} bytes");
    }
}

fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
