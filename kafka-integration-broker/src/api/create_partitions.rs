use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse, TopicName};

use super::admin::{MOST_PARTITIONS, Problem, Repeated, is_on_this_node};
use super::{Code, Stop};
use crate::core::RequestContext;

/// Adds partitions to topics.
pub(super) async fn handle(
    cx: &RequestContext,
    request: CreatePartitionsRequest,
) -> Result<CreatePartitionsResponse, Stop> {
    let mut names = Repeated::of(request.topics.iter().map(|topic| topic.name.clone()));
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        if names.is_repeated(&topic.name) {
            continue;
        }
        let added = add(cx, &topic, request.validate_only).await;
        results.push(answer(topic.name, added));
    }
    for name in names.take() {
        let problem = Problem::new(ResponseError::InvalidRequest, "Duplicate topic name.");
        results.push(answer(name, Err(problem)));
    }
    Ok(CreatePartitionsResponse::default().with_results(results))
}

fn answer(name: TopicName, added: Result<(), Problem>) -> CreatePartitionsTopicResult {
    let answer = CreatePartitionsTopicResult::default().with_name(name);
    match added {
        Ok(()) => answer,
        Err(problem) => answer
            .with_error_code(problem.error.number())
            .with_error_message(problem.message),
    }
}

async fn add(
    cx: &RequestContext,
    asked: &CreatePartitionsTopic,
    validate_only: bool,
) -> Result<(), Problem> {
    let topic = cx.core.catalogue.topic(&asked.name);
    let topic = topic.ok_or_else(Problem::unknown_topic)?;
    let have = topic.partitions().len() as i32;
    if asked.count == have {
        return Err(Problem::new(
            ResponseError::InvalidPartitions,
            format!("Topic already has {have} partition(s)."),
        ));
    }
    if asked.count < have {
        let message = format!(
            "The topic {} currently has {have} partition(s); {} would not be an increase.",
            topic.name, asked.count
        );
        return Err(Problem::new(ResponseError::InvalidPartitions, message));
    }
    let more = i64::from(asked.count) - i64::from(have);
    if more > MOST_PARTITIONS {
        return Err(Problem::new(
            ResponseError::PolicyViolation,
            "Excessively large number of partitions per request.",
        ));
    }
    if let Some(assignments) = &asked.assignments {
        if assignments.len() as i64 != more {
            let message = format!(
                "Attempted to add {more} additional partition(s), but only {} assignment(s) were specified.",
                assignments.len()
            );
            return Err(Problem::new(
                ResponseError::InvalidReplicaAssignment,
                message,
            ));
        }
        let all_here = assignments
            .iter()
            .all(|assignment| is_on_this_node(&assignment.broker_ids));
        if !all_here {
            return Err(Problem::new(
                ResponseError::InvalidReplicaAssignment,
                "The manual partition assignment must name this broker, and no other.",
            ));
        }
    }
    if !validate_only {
        cx.core.writer.add_partitions(topic, asked.count).await?;
    }
    Ok(())
}
