use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::member::{Member, MemberState};

/// How often members must be heard of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Who was not heard of for so long is removed:
    /// `group.consumer.session.timeout.ms`.
    pub(crate) session_timeout: Duration,
    /// How often members are told to send: `group.consumer.heartbeat.interval.ms`.
    pub(crate) heartbeat_interval: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(5),
        }
    }
}

/// When members are removed, by their ids.
#[derive(Debug, Clone, Default)]
pub(super) struct Timers(BTreeMap<String, Deadlines>);

#[derive(Debug, Clone)]
struct Deadlines {
    session: Instant,
    /// By when it must have given up what it was told to.
    revocation: Option<Instant>,
}

impl Timers {
    pub(super) fn heard_of(&mut self, member: &str, session_ends: Instant) {
        match self.0.get_mut(member) {
            Some(deadlines) => deadlines.session = session_ends,
            None => {
                let deadlines = Deadlines {
                    session: session_ends,
                    revocation: None,
                };
                self.0.insert(member.to_owned(), deadlines);
            }
        }
    }

    /// Sets or ends the time that `member`, which has moved, has to give up
    /// partitions.
    pub(super) fn moved(&mut self, member: &Member, now: Instant) {
        if let Some(deadlines) = self.0.get_mut(&member.id) {
            let timeout = u64::try_from(member.rebalance_timeout_ms).unwrap_or(0);
            deadlines.revocation = (member.state == MemberState::Revoking)
                .then(|| now + Duration::from_millis(timeout));
        }
    }

    pub(super) fn forget(&mut self, member: &str) {
        self.0.remove(member);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().map(Deadlines::first).min()
    }

    /// The members whose time is over.
    pub(super) fn over(&self, now: Instant) -> Vec<String> {
        let over = self.0.iter().filter(|(_, at)| at.first() <= now);
        over.map(|(member, _)| member.clone()).collect()
    }
}

impl Deadlines {
    fn first(&self) -> Instant {
        self.revocation
            .map_or(self.session, |revocation| revocation.min(self.session))
    }
}
