use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use kafka_protocol::messages::{BrokerId, CreateTopicsRequest, CreateTopicsResponse, TopicName};
use uuid::Uuid;

use super::admin::{MOST_PARTITIONS, Problem, Repeated, is_on_this_node};
use super::{Code, Stop};
use crate::configs::{Overrides, check_topic, describe_topic};
use crate::core::RequestContext;
use crate::log::{name_problem, names_collide};
use crate::store::TopicError;

/// Makes topics, or says whether they could be made.
pub(super) async fn handle(
    cx: &RequestContext,
    request: CreateTopicsRequest,
) -> Result<CreateTopicsResponse, Stop> {
    let default = cx.core.options.default_partitions;
    let wanted: i64 = request
        .topics
        .iter()
        .map(|topic| i64::from(partitions(topic, default)))
        .sum();
    let mut names = Repeated::of(request.topics.iter().map(|topic| topic.name.clone()));
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        if names.is_repeated(&topic.name) {
            continue;
        }
        let made = if wanted > MOST_PARTITIONS {
            Err(Problem::new(
                ResponseError::PolicyViolation,
                "Excessively large number of partitions per request.",
            ))
        } else {
            make(cx, &topic, request.validate_only).await
        };
        results.push(match made {
            Ok(made) => made.answer(cx, topic.name),
            Err(problem) => refused(topic.name, problem),
        });
    }
    for name in names.take() {
        let problem = Problem::new(ResponseError::InvalidRequest, "Duplicate topic name.");
        results.push(refused(name, problem));
    }
    Ok(CreateTopicsResponse::default().with_topics(results))
}

fn refused(name: TopicName, problem: Problem) -> CreatableTopicResult {
    CreatableTopicResult::default()
        .with_name(name)
        .with_error_code(problem.error.number())
        .with_error_message(problem.message)
}

/// A topic that was, or would be, made.
struct Made {
    id: Uuid,
    partitions: i32,
    overrides: Overrides,
}

impl Made {
    fn answer(self, cx: &RequestContext, name: TopicName) -> CreatableTopicResult {
        let mut answer = CreatableTopicResult::default().with_name(name);
        if cx.version >= 7 {
            answer.topic_id = self.id;
        }
        if cx.version >= 5 {
            answer.num_partitions = self.partitions;
            answer.replication_factor = 1;
            let configs = describe_topic(&self.overrides, &cx.core.catalogue.broker());
            let configs = configs.into_iter().map(|setting| {
                CreatableTopicConfigs::default()
                    .with_name(kafka_protocol::protocol::StrBytes::from_static_str(
                        setting.name,
                    ))
                    .with_value(setting.value.map(Into::into))
                    .with_read_only(setting.read_only)
                    .with_config_source(setting.source as i8)
            });
            answer.configs = Some(configs.collect());
        }
        answer
    }
}

/// The number of partitions asked for, if it makes sense.
fn partitions(topic: &CreatableTopic, default: i32) -> i32 {
    match topic.num_partitions {
        _ if !topic.assignments.is_empty() => {
            i32::try_from(topic.assignments.len()).unwrap_or(i32::MAX)
        }
        -1 => default,
        number => number,
    }
}

async fn make(
    cx: &RequestContext,
    topic: &CreatableTopic,
    validate_only: bool,
) -> Result<Made, Problem> {
    let name = topic.name.as_str();
    check_name(cx, name)?;
    let overrides = overrides(topic)?;
    check_topic(&overrides)?;
    check_replicas(topic)?;
    let partitions = partitions(topic, cx.core.options.default_partitions);
    let id = if validate_only {
        Uuid::nil()
    } else {
        let made = cx
            .core
            .writer
            .create_topic(name, partitions, overrides.clone());
        match made.await {
            Ok(topic) => topic.id,
            Err(TopicError::Exists) => return Err(exists(name)),
            Err(error) => return Err(error.into()),
        }
    };
    Ok(Made {
        id,
        partitions,
        overrides,
    })
}

fn exists(name: &str) -> Problem {
    let message = format!("Topic '{name}' already exists.");
    Problem::new(ResponseError::TopicAlreadyExists, message)
}

fn check_name(cx: &RequestContext, name: &str) -> Result<(), Problem> {
    if let Some(problem) = name_problem(name) {
        return Err(Problem::new(ResponseError::InvalidTopicException, problem));
    }
    if cx.core.catalogue.topic(name).is_some() {
        return Err(exists(name));
    }
    if !name.contains(['.', '_']) {
        return Ok(());
    }
    let topics = cx.core.catalogue.topics();
    match topics.iter().find(|other| names_collide(&other.name, name)) {
        None => Ok(()),
        Some(other) => Err(Problem::new(
            ResponseError::InvalidTopicException,
            format!(
                "Topic '{name}' collides with existing topic: {}",
                other.name
            ),
        )),
    }
}

fn overrides(topic: &CreatableTopic) -> Result<Overrides, Problem> {
    let mut overrides = BTreeMap::new();
    for config in &topic.configs {
        let Some(value) = &config.value else {
            return Err(Problem::new(
                ResponseError::InvalidConfig,
                format!(
                    "Null value not supported for topic configs: {}",
                    config.name.as_str()
                ),
            ));
        };
        overrides.insert(config.name.to_string(), value.to_string());
    }
    Ok(overrides)
}

fn check_replicas(topic: &CreatableTopic) -> Result<(), Problem> {
    let request = |message| Err(Problem::new(ResponseError::InvalidRequest, message));
    if topic.assignments.is_empty() {
        return match (topic.replication_factor, topic.num_partitions) {
            (0 | ..=-2, _) => Err(Problem::new(
                ResponseError::InvalidReplicationFactor,
                "Replication factor must be larger than 0, or -1 to use the default value.",
            )),
            (_, 0 | ..=-2) => Err(Problem::new(
                ResponseError::InvalidPartitions,
                "Number of partitions was set to an invalid non-positive value.",
            )),
            (-1 | 1, _) => Ok(()),
            (more, _) => Err(Problem::new(
                ResponseError::InvalidReplicationFactor,
                format!(
                    "Unable to replicate the partition {more} time(s): only 1 broker(s) are registered."
                ),
            )),
        };
    }
    if topic.replication_factor != -1 {
        return request(
            "A manual partition assignment was specified, but replication factor was not set to -1.",
        );
    }
    if topic.num_partitions != -1 {
        return request(
            "A manual partition assignment was specified, but numPartitions was not set to -1.",
        );
    }
    let wrong = |message| {
        Err(Problem::new(
            ResponseError::InvalidReplicaAssignment,
            message,
        ))
    };
    let mut indexes = Vec::with_capacity(topic.assignments.len());
    for assignment in &topic.assignments {
        let brokers: &[BrokerId] = &assignment.broker_ids;
        if !is_on_this_node(brokers) {
            return wrong("The manual partition assignment must name this broker, and no other.");
        }
        indexes.push(assignment.partition_index);
    }
    indexes.sort_unstable();
    if indexes.iter().copied().ne(0..indexes.len() as i32) {
        return wrong("partitions should be a consecutive 0-based integer sequence");
    }
    Ok(())
}
