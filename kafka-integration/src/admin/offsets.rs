use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::client::AdminConsumer;
use super::{AdminError, Cluster};
use crate::message::Timestamp;

/// A place in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first record still there.
    Beginning,
    /// After the last record.
    End,
    /// The first record of that time or later; the end when there is none.
    Time(Timestamp),
}

impl Cluster {
    /// The offset of a place in each of those partitions of a topic; one
    /// without a leader is left out.
    ///
    /// # Errors
    /// When no broker answers, or the topic may not be read.
    pub async fn offsets(
        &self,
        topic: &str,
        partitions: &[i32],
        place: Place,
    ) -> Result<BTreeMap<i32, i64>, AdminError> {
        let timeout = self.timeout;
        let wanted: Vec<_> = partitions.iter().map(|p| (topic.to_owned(), *p)).collect();
        self.ask(format!("find offsets of topic `{topic}`"), move |client| {
            let found = find(client, &wanted, place, timeout)?;
            let mut offsets = offsets(&found);
            if matches!(place, Place::Time(_)) && offsets.len() < wanted.len() {
                let ends = find(client, &wanted, Place::End, timeout)?;
                for (partition, end) in self::offsets(&ends) {
                    offsets.entry(partition).or_insert(end);
                }
            }
            Ok(offsets)
        })
        .await
    }
}

fn offsets(list: &TopicPartitionList) -> BTreeMap<i32, i64> {
    let elements = list.elements();
    let known = elements
        .iter()
        .filter_map(|element| Some((element.partition(), known(element.offset())?)));
    known.collect()
}

/// Asks for a place in many partitions: one request for each broker, where
/// asking for watermarks takes two for each partition.
pub(super) fn find(
    client: &AdminConsumer,
    partitions: &[(String, i32)],
    place: Place,
    timeout: Duration,
) -> Result<TopicPartitionList, KafkaError> {
    let at = match place {
        Place::Beginning => Offset::Beginning,
        Place::End => Offset::End,
        Place::Time(time) => Offset::Offset(time.as_millis().max(0)),
    };
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        list.add_partition_offset(topic, *partition, at)?;
    }
    if partitions.is_empty() {
        return Ok(list);
    }
    client.offsets_for_times(list, timeout)
}

/// An offset that is a place in the partition.
pub(super) fn known(offset: Offset) -> Option<i64> {
    match offset {
        Offset::Offset(offset) if offset >= 0 => Some(offset),
        _ => None,
    }
}
