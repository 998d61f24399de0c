//! Topics to test with.

use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest, TopicName,
};
use uuid::Uuid;

use super::shapes::{text, topic_name};
use super::{Target, eventually};

/// A topic of a case.
#[derive(Debug, Clone)]
pub struct Topic {
    pub name: String,
    pub id: Uuid,
}

impl Topic {
    pub fn name(&self) -> TopicName {
        topic_name(&self.name)
    }
}

impl Target {
    /// A new topic of one partition.
    pub async fn topic(&self, case: &str) -> Topic {
        self.topic_with(case, 1, &[]).await
    }

    /// A new topic. Comes back when each of its partitions can be used.
    pub async fn topic_with(
        &self,
        case: &str,
        partitions: i32,
        configs: &[(&'static str, &str)],
    ) -> Topic {
        let name = self.unique(case);
        self.create(&name, partitions, configs).await
    }

    /// A new topic of this name.
    pub async fn create(
        &self,
        name: &str,
        partitions: i32,
        configs: &[(&'static str, &str)],
    ) -> Topic {
        let topic = creatable(name, partitions, 1).with_configs(
            configs
                .iter()
                .map(|(key, value)| {
                    CreatableTopicConfig::default()
                        .with_name(text(*key))
                        .with_value(Some(text(*value)))
                })
                .collect(),
        );
        let response = self.call(7, create_topics([topic])).await;
        let created = &response.topics[0];
        assert_eq!(created.error_code, 0, "{:?}", created.error_message);
        let topic = Topic {
            name: name.to_owned(),
            id: created.topic_id,
        };
        for partition in 0..partitions {
            eventually("the new partition answers", async || {
                let end = self.list_offset(&topic, partition, -1).await;
                let known = self.metadata(name).await.topic_id == topic.id;
                (end.error_code == 0 && known).then_some(())
            })
            .await;
        }
        topic
    }

    /// What the broker says about one topic; asking does not create it.
    pub async fn metadata(&self, name: &str) -> MetadataResponseTopic {
        let topic = MetadataRequestTopic::default().with_name(Some(topic_name(name)));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![topic]))
            .with_allow_auto_topic_creation(false);
        self.call(12, request).await.topics.remove(0)
    }

    /// The id of the only broker.
    pub async fn node(&self) -> i32 {
        let request = MetadataRequest::default().with_topics(Some(Vec::new()));
        self.call(12, request).await.brokers[0].node_id.0
    }

    /// Deletes a topic and waits until it is gone.
    pub async fn delete(&self, topic: &Topic) {
        let request = DeleteTopicsRequest::default()
            .with_topic_names(vec![topic.name()])
            .with_timeout_ms(20_000);
        let response = self.call(5, request).await;
        assert_eq!(response.responses[0].error_code, 0);
        eventually("the topic is gone", async || {
            (self.metadata(&topic.name).await.error_code == 3).then_some(())
        })
        .await;
    }
}

/// A topic as CreateTopics takes it.
pub fn creatable(name: &str, partitions: i32, replication: i16) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(partitions)
        .with_replication_factor(replication)
}

pub fn create_topics(topics: impl IntoIterator<Item = CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest::default()
        .with_topics(topics.into_iter().collect())
        .with_timeout_ms(20_000)
}
