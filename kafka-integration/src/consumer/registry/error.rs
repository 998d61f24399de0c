use crate::consumer::Location;
use crate::retry::RetryPolicyError;
use crate::topic::TopicNameError;

/// Why a set of consumers can't run together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Two consumers have the same name.
    #[error(
        "two consumers are named `{name}`: at {first} and at {second}; \
         rename one, or give it `name = \"…\"`"
    )]
    DuplicateName {
        /// The name.
        name: String,
        /// Where the first is declared.
        first: Location,
        /// Where the second is declared.
        second: Location,
    },
    /// Two consumers of one group subscribe to different topics or differ in
    /// what the group's members must agree on.
    #[error(
        "`{first_name}` ({first}) and `{second_name}` ({second}) are both in group `{group_id}` \
         but disagree on {what}; give one its own group_id, or make them agree"
    )]
    GroupDisagrees {
        /// The group.
        group_id: String,
        /// What differs.
        what: String,
        /// The first consumer.
        first_name: String,
        /// Where it is declared.
        first: Location,
        /// The second consumer.
        second_name: String,
        /// Where it is declared.
        second: Location,
    },
    /// A consumer lists one topic twice.
    #[error(
        "consumer `{consumer}` ({location}) takes topic `{topic}` twice, as `{first_type}` and \
         as `{second_type}`; remove one"
    )]
    DuplicateTopic {
        /// The consumer.
        consumer: String,
        /// Where it is declared.
        location: Location,
        /// The topic's name.
        topic: String,
        /// The type that brings it first.
        first_type: &'static str,
        /// The type that brings it again.
        second_type: &'static str,
    },
    /// A consumer has no topic.
    #[error("consumer `{consumer}` ({location}) has no topics; give it at least one")]
    NoTopics {
        /// The consumer.
        consumer: String,
        /// Where it is declared.
        location: Location,
    },
    /// A consumer has an empty group.
    #[error("consumer `{consumer}` ({location}) has an empty group_id; name its consumer group")]
    NoGroup {
        /// The consumer.
        consumer: String,
        /// Where it is declared.
        location: Location,
    },
    /// A topic's batch policy makes no batch.
    #[error(
        "consumer `{consumer}` ({location}): the batches of topic `{topic}` are impossible: {problem}"
    )]
    BatchPolicy {
        /// The consumer.
        consumer: String,
        /// Where it is declared.
        location: Location,
        /// The topic's name.
        topic: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A topic's name is not one that Kafka takes.
    #[error("consumer `{consumer}` ({location}): {source}")]
    TopicName {
        /// The consumer.
        consumer: String,
        /// Where it is declared.
        location: Location,
        /// What is wrong with the name.
        source: TopicNameError,
    },
    /// A retry policy, of a consumer or of one of its topics, can't be followed.
    #[error("consumer `{consumer}` ({location}): the retry policy{}: {source}", of_topic(topic.as_deref()))]
    Retry {
        /// The consumer.
        consumer: String,
        /// Where it is declared.
        location: Location,
        /// The topic whose policy it is; `None` is the consumer's own.
        topic: Option<String>,
        /// What is wrong with the policy.
        source: RetryPolicyError,
    },
    /// A consumer is in the group that consumes another one's retry topics.
    #[error(
        "consumer `{consumer}` ({location}) is in group `{group_id}`, which consumes the retry \
         topics of `{other_name}` ({other}), group `{other_group}`; give one another group_id"
    )]
    RetryGroup {
        /// The consumer.
        consumer: String,
        /// Where it is declared.
        location: Location,
        /// Its group.
        group_id: String,
        /// The other consumer.
        other_name: String,
        /// Where it is declared.
        other: Location,
        /// The other's group.
        other_group: String,
    },
    /// The failed messages of two groups would move to the same topics.
    #[error(
        "`{first_name}` ({first}) and `{second_name}` ({second}) have the same retry and \
         dead-letter topics, `{place}.retry.1` and `{place}.dlt`: group `{first_group}` with topic \
         `{first_topic}`, and group `{second_group}` with topic `{second_topic}`; give one another \
         group_id"
    )]
    SameRetryTopics {
        /// What the names of these topics begin with.
        place: String,
        /// The first consumer.
        first_name: String,
        /// Where it is declared.
        first: Location,
        /// Its group.
        first_group: String,
        /// The topic it consumes.
        first_topic: String,
        /// The second consumer.
        second_name: String,
        /// Where it is declared.
        second: Location,
        /// Its group.
        second_group: String,
        /// The topic it consumes.
        second_topic: String,
    },
    /// Kafka takes no retry or dead-letter topic of that name.
    #[error(
        "consumer `{consumer}` ({location}): the failed messages of topic `{topic}` have no place \
         to go: {source}; give the consumer a group_id of fewer letters, of those that topics may have"
    )]
    RetryTopicName {
        /// The consumer.
        consumer: String,
        /// Where it is declared.
        location: Location,
        /// The topic that is consumed.
        topic: String,
        /// What is wrong with the name.
        source: TopicNameError,
    },
}

fn of_topic(topic: Option<&str>) -> String {
    topic.map_or_else(String::new, |topic| format!(" of topic `{topic}`"))
}
