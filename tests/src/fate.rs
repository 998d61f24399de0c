/// What becomes of an event in the runs with mixed failures. It follows from the
/// event's id alone, so that all processes and the test agree about it, also
/// after a SIGKILL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is handled at once: 96.3 %.
    Fine,
    /// The first so many attempts fail, once or twice: 3 %.
    Transient(u32),
    /// Every attempt fails, until none is left: 0.1 %.
    Hopeless,
    /// The first attempt fails, and says that no other will succeed: 0.5 %.
    Terminal,
    /// Its record's bytes are no event: 0.1 %.
    Undecodable,
}

impl Fate {
    /// Of the event with that id.
    pub fn of(id: u64) -> Self {
        match scatter(id) % 10_000 {
            0..150 => Self::Transient(1),
            150..300 => Self::Transient(2),
            300..350 => Self::Terminal,
            350..360 => Self::Undecodable,
            360..370 => Self::Hopeless,
            _ => Self::Fine,
        }
    }

    /// Whether it ends in the dead-letter topic.
    pub fn is_dead(self) -> bool {
        matches!(self, Self::Hopeless | Self::Terminal | Self::Undecodable)
    }

    /// Whether that attempt fails, counted from 1.
    pub fn fails(self, attempt: u32) -> bool {
        match self {
            Self::Fine => false,
            Self::Transient(times) => attempt <= times,
            Self::Hopeless | Self::Terminal | Self::Undecodable => true,
        }
    }
}

/// Neighbours get unlike numbers; the same one in every process.
fn scatter(id: u64) -> u64 {
    let mut bits = id.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
