//! Where new partitions start: at what their group committed, and with what its
//! record says is finished above.

use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::Offset;

use super::rebalance::PollContext;
use crate::commit_record::Record;
use crate::native;

/// How long the answers may take together. The poll thread stands still
/// meanwhile.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A coordinator that is moving or loading refuses for a moment. To start the
/// consumer anew for that would have the whole group rebalance.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

/// Where new partitions start.
pub(super) struct Starts {
    /// What the client is to be given: with the committed offsets, or without
    /// one where there is none and `auto.offset.reset` decides.
    pub(super) list: TopicPartitionList,
    starts: Vec<Start>,
}

/// Where a partition starts that has a committed offset.
#[derive(Debug, Clone)]
pub(super) struct Start {
    topic: String,
    partition: i32,
    pub(super) offset: i64,
    /// The record as the broker has it; empty when it has none.
    pub(super) metadata: String,
    pub(super) record: Record,
}

impl Starts {
    pub(super) fn of(&self, topic: &str, partition: i32) -> Option<&Start> {
        let is = |start: &&Start| start.partition == partition && start.topic == topic;
        self.starts.iter().find(is)
    }
}

/// Asks the brokers. `None` when the consumer is stopping and takes nothing any
/// more; the error says why it must not start.
pub(super) fn read(
    consumer: &BaseConsumer<PollContext>,
    list: &TopicPartitionList,
    stopping: bool,
) -> Result<Option<Starts>, String> {
    if stopping {
        return Ok(None);
    }
    if list.count() == 0 {
        // A cooperative rebalance that brings nothing.
        let list = list.clone();
        return Ok(Some(Starts {
            list,
            starts: Vec::new(),
        }));
    }
    let deadline = Instant::now() + TIMEOUT;
    let list = ask(deadline, |left| {
        consumer.committed_offsets(list.clone(), left)
    });
    let list = list.map_err(|error| format!("cannot read the committed offsets: {error}"))?;
    let mut starts = Vec::with_capacity(list.count());
    for (element, metadata) in list.elements().iter().zip(native::metadata(&list)) {
        let Offset::Offset(offset) = element.offset() else {
            continue;
        };
        let record = metadata.and_then(|text| Record::decode(text, offset));
        starts.push(Start {
            topic: element.topic().to_owned(),
            partition: element.partition(),
            offset,
            // What somebody else wrote stays until there is something to say.
            metadata: metadata
                .filter(|_| record.is_some())
                .unwrap_or_default()
                .to_owned(),
            record: record.unwrap_or_default(),
        });
    }
    drop_impossible(consumer, &mut starts, deadline)?;
    for start in starts.iter().filter(|start| !start.record.done.is_empty()) {
        tracing::info!(
            consumer = %consumer.context().shared.name,
            topic = start.topic,
            partition = start.partition,
            committed = start.offset,
            runs = start.record.done.len(),
            offsets = start.record.done_offsets(),
            "finished messages above the committed offset are not handled again"
        );
    }
    Ok(Some(Starts { list, starts }))
}

/// Drops records of partitions that end below them: the log is not the one they
/// were made of.
fn drop_impossible(
    consumer: &BaseConsumer<PollContext>,
    starts: &mut [Start],
    deadline: Instant,
) -> Result<(), String> {
    let failed = |error| format!("cannot read the ends of the partitions: {error}");
    let mut ends = TopicPartitionList::new();
    for start in starts.iter().filter(|start| !start.record.done.is_empty()) {
        let mut element = ends.add_partition(&start.topic, start.partition);
        element.set_offset(Offset::End).map_err(failed)?;
    }
    if ends.count() == 0 {
        return Ok(());
    }
    let ends = ask(deadline, |left| {
        consumer.offsets_for_times(ends.clone(), left)
    });
    let ends = ends.map_err(failed)?;
    for start in starts.iter_mut() {
        let (Some(top), Some(end)) = (
            start.record.top(),
            ends.find_partition(&start.topic, start.partition),
        ) else {
            continue;
        };
        let Offset::Offset(end) = end.offset() else {
            continue;
        };
        if end < top {
            tracing::warn!(
                consumer = %consumer.context().shared.name,
                topic = start.topic,
                partition = start.partition,
                committed = start.offset,
                end,
                top,
                "the partition ends below what its commit says is finished: was the \
                 topic made anew, or was it truncated? Everything is handled"
            );
            start.record = Record::default();
        }
    }
    Ok(())
}

/// Asks until there is an answer for each partition.
fn ask(
    deadline: Instant,
    question: impl Fn(Duration) -> KafkaResult<TopicPartitionList>,
) -> KafkaResult<TopicPartitionList> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = question(left).and_then(|list| {
            let errors = list.elements().iter().try_for_each(|e| e.error());
            errors.map(|()| list)
        });
        if answer.is_ok() || Instant::now() + BETWEEN_QUESTIONS >= deadline {
            return answer;
        }
        std::thread::sleep(BETWEEN_QUESTIONS);
    }
}
