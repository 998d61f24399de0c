use crate::admin::AdminError;

/// Why dead letters could not be read or moved.
///
/// Whatever it is, what was moved before stays moved, exactly once, and the
/// same again goes on with the rest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeadLetterError {
    /// The cluster can't be asked, or refuses.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// No client could be made.
    #[error("no client for topic `{topic}`: {source}")]
    Client {
        /// The dead-letter topic.
        topic: String,
        /// What librdkafka said.
        source: rdkafka::error::KafkaError,
    },
    /// The topic keeps the journal of another one.
    #[error("`{topic}` keeps what became of the dead letters of another topic; it has none itself")]
    IsJournal {
        /// The topic that was given.
        topic: String,
    },
    /// A partition can't be read now.
    #[error("partition {partition} of `{topic}` has no leader, so it can't be read; try again")]
    NoLeader {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// There is no such partition.
    #[error("topic `{topic}` has no partition {partition}")]
    NoSuchPartition {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// Reading failed.
    #[error("cannot read `{topic}`, partition {partition}: {reason}")]
    Read {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// What the client said.
        reason: String,
    },
    /// A record of the journal can't be used. Nothing is moved, because it may
    /// say what was moved already.
    #[error(
        "the journal `{journal}` has a record at offset {offset} that can't be used ({reason}); \
         nothing is moved without knowing what it says"
    )]
    Journal {
        /// The journal's topic.
        journal: String,
        /// The record.
        offset: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// The journal tells of dead letters that the topic never had: the topic was
    /// deleted and made again.
    #[error(
        "the journal `{journal}` tells of offset {offset} in partition {partition} of `{topic}`, \
         {contradiction}: it belongs to an earlier topic of that name; delete the journal's topic"
    )]
    ForeignJournal {
        /// The journal's topic.
        journal: String,
        /// The dead-letter topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// An offset that the journal tells of.
        offset: i64,
        /// Why that can't be of this topic.
        contradiction: String,
    },
    /// Records without a trail don't say where they came from.
    #[error(
        "{count} of the chosen records don't say where they came from, the first at partition \
         {partition}, offset {offset} of `{topic}`; nothing was moved: give a target, or choose by \
         what the others have (class, reason, time, offsets)"
    )]
    NoTarget {
        /// The dead-letter topic.
        topic: String,
        /// How many.
        count: u64,
        /// Where the first is.
        partition: i32,
        /// Where the first is.
        offset: i64,
    },
    /// The target can't be used.
    #[error("nothing was moved from `{topic}` to `{target}`: {reason}")]
    Target {
        /// The dead-letter topic.
        topic: String,
        /// The target.
        target: String,
        /// Why.
        reason: String,
    },
    /// A record was refused. Its transaction was aborted; those before it are
    /// moved.
    #[error(
        "partition {partition}, offset {offset} of `{topic}` can't be moved to `{target}`: \
         {reason}; its transaction was aborted, what was moved before stays moved"
    )]
    Refused {
        /// The dead-letter topic.
        topic: String,
        /// Where the record is.
        partition: i32,
        /// Where the record is.
        offset: i64,
        /// The target.
        target: String,
        /// What the broker or the client said.
        reason: String,
    },
    /// Another process redrives or discards the same dead letters, and came
    /// later. Nothing is doubled.
    #[error(
        "another redrive or discard of `{topic}` has taken over; this one ends, and nothing is \
         moved twice"
    )]
    Fenced {
        /// The dead-letter topic.
        topic: String,
    },
    /// A transaction failed. It is aborted, now or by the next run; where that
    /// is not known, the next run finds out.
    #[error("{action} for `{topic}` failed: {reason}; the same again goes on from there")]
    Transaction {
        /// The dead-letter topic.
        topic: String,
        /// What was tried.
        action: &'static str,
        /// What the broker or the client said.
        reason: String,
    },
    /// The process is shutting down.
    #[error("stopped: the runtime is shutting down")]
    Stopped,
}
