use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use kafka_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse, ProducerId};

use super::{Code, Stop};
use crate::core::RequestContext;
use crate::log::{Partition, Producer};

/// Describes who has written to partitions, as far as it is remembered.
pub(super) async fn handle(
    cx: &RequestContext,
    request: DescribeProducersRequest,
) -> Result<DescribeProducersResponse, Stop> {
    let topics = request
        .topics
        .into_iter()
        .map(|topic| {
            let known = cx.core.catalogue.topic(&topic.name);
            let partitions = topic
                .partition_indexes
                .into_iter()
                .map(|index| {
                    let found = known.as_ref().and_then(|topic| topic.partition(index));
                    let answer = PartitionResponse::default().with_partition_index(index);
                    match found {
                        Some(partition) => answer.with_active_producers(producers(&partition)),
                        None => {
                            answer.with_error_code(ResponseError::UnknownTopicOrPartition.number())
                        }
                    }
                })
                .collect();
            TopicResponse::default()
                .with_name(topic.name)
                .with_partitions(partitions)
        })
        .collect();
    Ok(DescribeProducersResponse::default().with_topics(topics))
}

fn producers(partition: &Partition) -> Vec<ProducerState> {
    partition.append_state(|state| {
        state
            .producers
            .iter()
            .filter(|(_, producer)| has_written(producer))
            .map(|(id, producer)| {
                ProducerState::default()
                    .with_producer_id(ProducerId(*id))
                    .with_producer_epoch(i32::from(producer.epoch))
                    .with_last_sequence(producer.last_sequence())
                    .with_last_timestamp(producer.last_timestamp)
                    .with_coordinator_epoch(producer.coordinator_epoch)
                    .with_current_txn_start_offset(producer.open_since.unwrap_or(-1))
            })
            .collect()
    })
}

/// A producer that was only let in is not in the log.
fn has_written(producer: &Producer) -> bool {
    producer.last_timestamp >= 0
}
