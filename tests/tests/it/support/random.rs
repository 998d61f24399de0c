use std::time::{SystemTime, UNIX_EPOCH};

/// Which moments are hit need not be the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seed = now.unwrap_or_default().as_nanos() as u64 | 1;
        println!("seed {seed}");
        Self(seed)
    }

    /// At least 0, and below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
