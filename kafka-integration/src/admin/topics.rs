use rdkafka::TopicPartitionList;
use rdkafka::admin::{ConfigEntry as ClientConfigEntry, ConfigSource, ResourceSpecifier};
use rdkafka::consumer::Consumer;
use rdkafka::metadata::MetadataTopic;
use rdkafka::types::RDKafkaErrorCode;
use serde::Serialize;

use super::offsets::{Place, find, known};
use super::{AdminError, Cluster};

/// A topic of a cluster, as its metadata shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topic {
    /// The name.
    pub name: String,
    /// The partitions' numbers, in order.
    pub partitions: Vec<i32>,
    /// How many brokers hold each partition.
    pub replication_factor: usize,
}

/// One partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// The partition's number.
    pub partition: i32,
    /// The broker that leads it; `None` when none does, and then it can be
    /// neither read nor written.
    pub leader: Option<i32>,
    /// The brokers that hold it.
    pub replicas: Vec<i32>,
    /// Those of them that are in sync.
    pub in_sync: Vec<i32>,
    /// The first offset still there; `None` without a leader.
    pub beginning: Option<i64>,
    /// The offset the next record will get; `None` without a leader.
    pub end: Option<i64>,
}

/// A setting of a topic that differs from Kafka's own default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigEntry {
    /// The setting.
    pub name: String,
    /// Its value; `None` when the broker keeps it secret.
    pub value: Option<String>,
}

/// A topic in detail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicDescription {
    /// The name.
    pub name: String,
    /// Its partitions, in order.
    pub partitions: Vec<Partition>,
    /// Its settings that are no defaults, by name; `None` when the brokers
    /// don't tell, for want of permission.
    pub config: Option<Vec<ConfigEntry>>,
}

impl Cluster {
    /// The topics this client may see, by name.
    ///
    /// # Errors
    /// When no broker answers.
    pub async fn topics(&self) -> Result<Vec<Topic>, AdminError> {
        let timeout = self.timeout;
        self.ask("list the topics", move |client| {
            let metadata = client.fetch_metadata(None, timeout)?;
            let mut topics: Vec<_> = metadata.topics().iter().map(summary).collect();
            topics.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(topics)
        })
        .await
    }

    /// One topic.
    ///
    /// # Errors
    /// When there is none of that name, this client may not see it, or no
    /// broker answers.
    pub async fn topic(&self, name: &str) -> Result<Topic, AdminError> {
        let (timeout, wanted) = (self.timeout, name.to_owned());
        let found = self
            .ask(format!("look up topic `{name}`"), move |client| {
                let metadata = client.fetch_metadata(Some(&wanted), timeout)?;
                Ok(lookup(metadata.topics()))
            })
            .await?;
        self.found(name, found)
    }

    /// One topic with its partitions' leaders and offsets, and its settings.
    ///
    /// # Errors
    /// When there is none of that name, this client may not see it, or no
    /// broker answers.
    pub async fn describe(&self, name: &str) -> Result<TopicDescription, AdminError> {
        let (timeout, wanted) = (self.timeout, name.to_owned());
        let found = self
            .ask(format!("describe topic `{name}`"), move |client| {
                let metadata = client.fetch_metadata(Some(&wanted), timeout)?;
                if let Err(code) = lookup(metadata.topics()) {
                    return Ok(Err(code));
                }
                let partitions = metadata.topics().first().map(MetadataTopic::partitions);
                let mut partitions: Vec<_> = partitions
                    .unwrap_or_default()
                    .iter()
                    .map(|partition| Partition {
                        partition: partition.id(),
                        leader: Some(partition.leader()).filter(|leader| *leader >= 0),
                        replicas: partition.replicas().to_vec(),
                        in_sync: partition.isr().to_vec(),
                        beginning: None,
                        end: None,
                    })
                    .collect();
                partitions.sort_by_key(|partition| partition.partition);
                let led: Vec<_> = partitions
                    .iter()
                    .filter(|partition| partition.leader.is_some())
                    .map(|partition| (wanted.clone(), partition.partition))
                    .collect();
                let beginnings = find(client, &led, Place::Beginning, timeout)?;
                let ends = find(client, &led, Place::End, timeout)?;
                for partition in &mut partitions {
                    let of = |list: &TopicPartitionList| {
                        known(list.find_partition(&wanted, partition.partition)?.offset())
                    };
                    (partition.beginning, partition.end) = (of(&beginnings), of(&ends));
                }
                Ok(Ok(partitions))
            })
            .await?;
        let partitions = self.found(name, found)?;
        Ok(TopicDescription {
            name: name.to_owned(),
            partitions,
            config: self.topic_config(name).await,
        })
    }

    /// How many partitions a topic has, once each of them has a leader; `None`
    /// until then.
    pub(crate) async fn led_partitions(&self, name: &str) -> Result<Option<i32>, AdminError> {
        let (timeout, wanted) = (self.timeout, name.to_owned());
        self.ask(format!("look up topic `{name}`"), move |client| {
            let metadata = client.fetch_metadata(Some(&wanted), timeout)?;
            let topics = metadata.topics();
            let partitions = topics.first().map_or(&[][..], MetadataTopic::partitions);
            let is_led = lookup(topics).is_ok() && partitions.iter().all(|p| p.leader() >= 0);
            Ok(is_led.then(|| i32::try_from(partitions.len()).unwrap_or(i32::MAX)))
        })
        .await
    }

    /// One setting of a topic, be it a default; `None` when the brokers don't
    /// tell.
    pub(crate) async fn topic_setting(&self, topic: &str, setting: &str) -> Option<String> {
        let [value] = self.topic_settings(topic, [setting]).await?;
        value
    }

    /// Some settings of a topic, be they defaults; `None` when the brokers don't
    /// tell.
    pub(crate) async fn topic_settings<const N: usize>(
        &self,
        topic: &str,
        settings: [&str; N],
    ) -> Option<[Option<String>; N]> {
        let mut entries = self.all_settings(topic).await?;
        Some(settings.map(|setting| {
            let entry = entries.iter_mut().find(|entry| entry.name == setting);
            entry?.value.take()
        }))
    }

    /// The settings of a topic that are no defaults; `None` when the brokers
    /// don't tell, which is no reason to hide the rest.
    async fn topic_config(&self, name: &str) -> Option<Vec<ConfigEntry>> {
        let mut entries: Vec<_> = self
            .all_settings(name)
            .await?
            .into_iter()
            .filter(|entry| entry.source != ConfigSource::Default && !entry.is_default)
            .map(|entry| ConfigEntry {
                name: entry.name,
                value: entry.value.filter(|_| !entry.is_sensitive),
            })
            .collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Some(entries)
    }

    async fn all_settings(&self, name: &str) -> Option<Vec<ClientConfigEntry>> {
        let (admin, options) = self.admin().ok()?;
        let resource = ResourceSpecifier::Topic(name);
        let answer = admin.describe_configs([&resource], &options).await;
        super::create::close(admin);
        Some(answer.ok()?.pop()?.ok()?.entries)
    }

    fn found<T>(&self, topic: &str, found: Result<T, RDKafkaErrorCode>) -> Result<T, AdminError> {
        found.map_err(|code| match code {
            RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => {
                AdminError::NoSuchTopic {
                    topic: topic.to_owned(),
                    cluster: self.name(),
                    address: self.address().to_owned(),
                }
            }
            code => AdminError::Refused {
                action: format!("show topic `{topic}`"),
                address: self.address().to_owned(),
                code,
                reason: code.to_string(),
            },
        })
    }
}

fn summary(topic: &MetadataTopic) -> Topic {
    let mut partitions: Vec<_> = topic.partitions().iter().map(|p| p.id()).collect();
    partitions.sort_unstable();
    Topic {
        name: topic.name().to_owned(),
        partitions,
        replication_factor: topic
            .partitions()
            .first()
            .map_or(0, |partition| partition.replicas().len()),
    }
}

/// The answer to the metadata of one topic.
fn lookup(topics: &[MetadataTopic]) -> Result<Topic, RDKafkaErrorCode> {
    let Some(topic) = topics.first() else {
        return Err(RDKafkaErrorCode::UnknownTopicOrPartition);
    };
    match topic.error() {
        Some(code) => Err(code.into()),
        None if topic.partitions().is_empty() => Err(RDKafkaErrorCode::UnknownTopicOrPartition),
        None => Ok(summary(topic)),
    }
}
