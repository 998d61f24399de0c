use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::{Code, Stop};
use crate::core::RequestContext;
use crate::groups::TopicPartition;

pub(super) async fn handle(
    cx: &RequestContext,
    request: OffsetDeleteRequest,
) -> Result<OffsetDeleteResponse, Stop> {
    let catalogue = &cx.core.catalogue;
    let find = |topic: &str, partition| {
        let found = catalogue.partition(topic, partition)?;
        Some(TopicPartition {
            topic: Arc::clone(&found.topic_name),
            partition,
        })
    };
    let mut known = Vec::new();
    let mut is_known = Vec::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let found = find(&topic.name, partition.partition_index);
            is_known.push(found.is_some());
            known.extend(found);
        }
    }
    let outcomes = match cx
        .core
        .groups
        .delete_offsets(&request.group_id, known)
        .await
    {
        Ok(outcomes) => outcomes,
        Err(error) => return Ok(OffsetDeleteResponse::default().with_error_code(error.number())),
    };
    let (mut is_known, mut outcomes) = (is_known.into_iter(), outcomes.into_iter());
    let mut next = || match is_known.next() {
        Some(true) => outcomes.next().and_then(Result::err),
        _ => Some(ResponseError::UnknownTopicOrPartition),
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            OffsetDeleteResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(next().number())
        });
        OffsetDeleteResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    Ok(OffsetDeleteResponse::default().with_topics(topics.collect()))
}
