use indexmap::IndexMap;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::TopicName;
use rustc_hash::FxBuildHasher;
use uuid::Uuid;

/// A partition as a request names it: by name before version 13, then by id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) topic: TopicName,
    pub(crate) topic_id: Uuid,
    pub(crate) partition: i32,
}

/// What is asked of one partition.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) key: Key,
    pub(crate) offset: i64,
    pub(crate) max_bytes: i32,
    pub(crate) leader_epoch: i32,
}

/// What the consumer was told last of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) high_watermark: i64,
    pub(crate) log_start: i64,
}

/// One consumer's session.
#[derive(Debug)]
pub(crate) struct Session {
    by_id: bool,
    next_epoch: i32,
    partitions: IndexMap<Key, (Asked, Option<Told>), FxBuildHasher>,
    /// Where the next answer begins, so that no partition is always last.
    cursor: usize,
}

impl Session {
    pub(super) fn new(by_id: bool, asked: Vec<Asked>) -> Self {
        let partitions = asked
            .into_iter()
            .map(|asked| (asked.key.clone(), (asked, None)))
            .collect();
        Self {
            by_id,
            next_epoch: 1,
            partitions,
            cursor: 0,
        }
    }

    /// Takes the next request; returns all that is asked for now.
    pub(super) fn next(
        &mut self,
        epoch: i32,
        by_id: bool,
        changed: Vec<Asked>,
        forgotten: &[Key],
    ) -> Result<Vec<Asked>, ResponseError> {
        if epoch != self.next_epoch {
            return Err(ResponseError::InvalidFetchSessionEpoch);
        }
        if by_id != self.by_id {
            return Err(ResponseError::FetchSessionTopicIdError);
        }
        self.next_epoch = if epoch == i32::MAX { 1 } else { epoch + 1 };
        for key in forgotten {
            self.partitions.swap_remove(key);
        }
        for asked in changed {
            match self.partitions.get_mut(&asked.key) {
                Some((known, _)) => *known = asked,
                None => {
                    self.partitions.insert(asked.key.clone(), (asked, None));
                }
            }
        }
        let count = self.partitions.len();
        let begin = if count == 0 { 0 } else { self.cursor % count };
        let in_turn = (begin..count).chain(0..begin);
        Ok(in_turn
            .filter_map(|at| Some(self.partitions.get_index(at)?.1.0.clone()))
            .collect())
    }

    pub(super) fn topics(&self) -> Vec<(TopicName, Uuid)> {
        let mut topics: Vec<_> = (self.partitions.keys())
            .map(|key| (key.topic.clone(), key.topic_id))
            .collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }

    /// Remembers what the consumer is told of a partition now; returns whether
    /// that is news. After an error everything is.
    pub(crate) fn tell(&mut self, key: &Key, told: Option<Told>) -> bool {
        let Some((_, last)) = self.partitions.get_mut(key) else {
            return true;
        };
        let news = told.is_none() || *last != told;
        *last = told;
        news
    }

    /// The next answer begins behind `key`, whose records filled this one.
    pub(crate) fn served_last(&mut self, key: &Key) {
        if let Some(at) = self.partitions.get_index_of(key) {
            self.cursor = at + 1;
        }
    }
}
