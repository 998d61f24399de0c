mod error;

use std::collections::HashMap;

pub use error::RegistryError;

use super::{Consumer, ConsumerSpec, TopicBinding};
use crate::retry::TopicNames;
use crate::topic::TopicName;

/// What the macro leaves in the program at link time.
pub struct Registration {
    spec: fn() -> ConsumerSpec,
}

impl Registration {
    /// Of a function that makes the declaration.
    pub const fn new(spec: fn() -> ConsumerSpec) -> Self {
        Self { spec }
    }
}

inventory::collect!(Registration);

/// The consumers of a process.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    consumers: Vec<ConsumerSpec>,
}

/// A name was asked for that no consumer has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no consumer `{name}`; registered: {known}")]
pub struct UnknownConsumer {
    /// The name asked for.
    pub name: String,
    /// Those there are.
    pub known: String,
}

impl Registry {
    /// No consumers.
    pub fn new() -> Self {
        Self::default()
    }

    /// The consumers that `#[consumer]` declared in this program, those of
    /// linked library crates included, sorted by name.
    ///
    /// A crate that nothing refers to is not linked: write
    /// `use my_consumers as _;` in the binary.
    pub fn linked() -> Self {
        let mut registry = Self::new();
        for registration in inventory::iter::<Registration> {
            registry.add((registration.spec)());
        }
        registry
    }

    /// Adds the consumer a type declares.
    pub fn register<C: Consumer>(&mut self) -> &mut Self {
        self.add(C::spec())
    }

    /// Adds a consumer made by hand.
    pub fn add(&mut self, spec: ConsumerSpec) -> &mut Self {
        let at = self
            .consumers
            .partition_point(|other| other.name <= spec.name);
        self.consumers.insert(at, spec);
        self
    }

    /// The consumers, sorted by name.
    pub fn consumers(&self) -> &[ConsumerSpec] {
        &self.consumers
    }

    /// Only the consumers of these names; all of them when there is no name.
    ///
    /// # Errors
    /// When a name is not registered.
    pub fn select<S: AsRef<str>>(&self, names: &[S]) -> Result<Self, UnknownConsumer> {
        if names.is_empty() {
            return Ok(self.clone());
        }
        let mut selected = Self::new();
        for name in names {
            let name = name.as_ref();
            if selected.consumers.iter().any(|spec| spec.name == name) {
                continue;
            }
            match self.consumers.iter().find(|spec| spec.name == name) {
                Some(spec) => selected.add(spec.clone()),
                None => {
                    let known: Vec<_> = self.consumers.iter().map(|s| s.name.as_str()).collect();
                    return Err(UnknownConsumer {
                        name: name.to_owned(),
                        known: match known.is_empty() {
                            true => "none (is the crate that declares it linked?)".to_owned(),
                            false => known.join(", "),
                        },
                    });
                }
            };
        }
        Ok(selected)
    }

    /// Checks that the consumers can run together.
    ///
    /// # Errors
    /// Every conflict found, sorted by consumer.
    pub fn validate(&self) -> Result<(), Vec<RegistryError>> {
        let mut errors = Vec::new();
        for spec in &self.consumers {
            check_alone(spec, &mut errors);
        }
        for pair in self.consumers.windows(2) {
            if pair[0].name == pair[1].name {
                errors.push(RegistryError::DuplicateName {
                    name: pair[0].name.clone(),
                    first: pair[0].location,
                    second: pair[1].location,
                });
            }
        }
        self.check_groups(&mut errors);
        self.check_retry_groups(&mut errors);
        self.check_moves(&mut errors);
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    /// Looks for consumers in the group of another one's retry topics: they would
    /// reassign each other's partitions for ever.
    fn check_retry_groups(&self, errors: &mut Vec<RegistryError>) {
        let names = TopicNames::default();
        let mut by_retry_group = HashMap::new();
        for spec in &self.consumers {
            let group = (spec.cluster.as_deref(), names.retry_group(&spec.group_id));
            by_retry_group.entry(group).or_insert(spec);
        }
        for spec in &self.consumers {
            let group = (spec.cluster.as_deref(), spec.group_id.clone());
            if let Some(other) = by_retry_group.get(&group) {
                errors.push(RegistryError::RetryGroup {
                    consumer: spec.name.clone(),
                    location: spec.location,
                    group_id: spec.group_id.clone(),
                    other_name: other.name.clone(),
                    other: other.location,
                    other_group: other.group_id.clone(),
                });
            }
        }
    }

    /// Looks for two groups whose failed messages would move to the same topics:
    /// each would handle the other's as well. What a pattern matches is only
    /// known when it is there; the retry consumers pass such messages by.
    fn check_moves(&self, errors: &mut Vec<RegistryError>) {
        let mut first_of_place: HashMap<_, (&ConsumerSpec, &str)> = HashMap::new();
        for spec in &self.consumers {
            for topic in spec.topics.iter().map(TopicBinding::name) {
                if topic.starts_with('^') {
                    continue;
                }
                let place = format!("{}.{topic}", spec.group_id);
                let cluster = spec.cluster.as_deref();
                let first = first_of_place.entry((cluster, place.clone()));
                let (first, first_topic) = *first.or_insert((spec, topic));
                if first.group_id != spec.group_id {
                    errors.push(RegistryError::SameRetryTopics {
                        place,
                        first_name: first.name.clone(),
                        first: first.location,
                        first_group: first.group_id.clone(),
                        first_topic: first_topic.to_owned(),
                        second_name: spec.name.clone(),
                        second: spec.location,
                        second_group: spec.group_id.clone(),
                        second_topic: topic.to_owned(),
                    });
                }
            }
        }
    }

    fn check_groups(&self, errors: &mut Vec<RegistryError>) {
        let mut first_of_group: HashMap<(Option<&str>, &str), &ConsumerSpec> = HashMap::new();
        for spec in &self.consumers {
            let group = (spec.cluster.as_deref(), spec.group_id.as_str());
            let first = *first_of_group.entry(group).or_insert(spec);
            if let Some(what) = disagreement(first, spec) {
                errors.push(RegistryError::GroupDisagrees {
                    group_id: spec.group_id.clone(),
                    what,
                    first_name: first.name.clone(),
                    first: first.location,
                    second_name: spec.name.clone(),
                    second: spec.location,
                });
            }
        }
    }
}

fn check_alone(spec: &ConsumerSpec, errors: &mut Vec<RegistryError>) {
    let consumer = || spec.name.clone();
    let location = spec.location;
    if spec.topics.is_empty() {
        errors.push(RegistryError::NoTopics {
            consumer: consumer(),
            location,
        });
    }
    if spec.group_id.trim().is_empty() {
        errors.push(RegistryError::NoGroup {
            consumer: consumer(),
            location,
        });
    }
    check_policy(spec, None, errors);
    let mut seen: HashMap<&str, &'static str> = HashMap::new();
    for topic in &spec.topics {
        if let Err(source) = TopicName::parse(topic.name()) {
            errors.push(RegistryError::TopicName {
                consumer: consumer(),
                location,
                source,
            });
        } else {
            check_policy(spec, Some(topic), errors);
            check_retry_topics(spec, topic, errors);
        }
        let batches = topic.handler.batches();
        if let Some(problem) = batches.and_then(|hook| hook.policy().problem()) {
            errors.push(RegistryError::BatchPolicy {
                consumer: consumer(),
                location,
                topic: topic.name().to_owned(),
                problem,
            });
        }
        if let Some(first_type) = seen.insert(topic.name(), topic.type_name()) {
            errors.push(RegistryError::DuplicateTopic {
                consumer: consumer(),
                location,
                topic: topic.name().to_owned(),
                first_type,
                second_type: topic.type_name(),
            });
        }
    }
}

/// Checks the policy of a topic, or the consumer's own.
fn check_policy(
    spec: &ConsumerSpec,
    topic: Option<&TopicBinding>,
    errors: &mut Vec<RegistryError>,
) {
    let policy = topic.map_or_else(|| spec.retry.clone(), TopicBinding::retry);
    if let Some(Err(source)) = policy.map(|policy| policy.check()) {
        errors.push(RegistryError::Retry {
            consumer: spec.name.clone(),
            location: spec.location,
            topic: topic.map(|topic| topic.name().to_owned()),
            source,
        });
    }
}

/// Checks that there can be topics for what fails. The settings may name them
/// by longer words; that is found when the consumer starts.
fn check_retry_topics(spec: &ConsumerSpec, topic: &TopicBinding, errors: &mut Vec<RegistryError>) {
    let names = TopicNames::default();
    // What a pattern matches is not known yet, only what the group adds.
    let source = match topic.name().starts_with('^') {
        true => "x",
        false => topic.name(),
    };
    let policy = topic.retry().or_else(|| spec.retry.clone());
    let mut made = names.dead_letter(&spec.group_id, source).map(drop);
    if let (Ok(()), Some(levels @ 1..)) = (&made, policy.map(|policy| policy.levels())) {
        made = names.retry(&spec.group_id, source, levels).map(drop);
    }
    if let Err(source) = made {
        errors.push(RegistryError::RetryTopicName {
            consumer: spec.name.clone(),
            location: spec.location,
            topic: topic.name().to_owned(),
            source,
        });
    }
}

/// What two members of one group must not differ in. Different topics in one
/// group make every join reassign the other's partitions, and a consumer may be
/// handed a topic it has no hook for.
fn disagreement(first: &ConsumerSpec, second: &ConsumerSpec) -> Option<String> {
    let topics = |spec: &ConsumerSpec| {
        let mut names: Vec<_> = spec.topics.iter().map(|t| format!("{t:?}")).collect();
        names.sort();
        names.join(", ")
    };
    if topics(first) != topics(second) {
        return Some(format!(
            "their topics and hooks: {} against {}",
            topics(first),
            topics(second),
        ));
    }
    const AGREED: [&str; 3] = [
        "group.protocol",
        "partition.assignment.strategy",
        "auto.offset.reset",
    ];
    AGREED.into_iter().find_map(|property| {
        let value = |spec: &ConsumerSpec| {
            let set = spec.config.iter().rev().find(|(name, _)| name == property);
            set.map(|(_, value)| value.clone())
        };
        (value(first) != value(second)).then(|| format!("`{property}`"))
    })
}
