use std::collections::HashMap;

use super::{Consumer, ConsumerSpec, Location};
use crate::topic::{TopicName, TopicNameError};

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
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
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
    let mut seen: HashMap<&str, &'static str> = HashMap::new();
    for topic in &spec.topics {
        if let Err(source) = TopicName::parse(topic.name()) {
            errors.push(RegistryError::TopicName {
                consumer: consumer(),
                location,
                source,
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
