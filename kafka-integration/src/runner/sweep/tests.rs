use kafka_integration_broker::EmbeddedBroker;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::*;
use crate::admin::{NewTopic, Place};
use crate::codec::Text;
use crate::consumer::ConsumerSpec;
use crate::message::Message;
use crate::producer::Outgoing;
use crate::retry::{ConsumeError, RetryPolicy, TopicNames};
use crate::runner::Context;
use crate::runner::routes::Role;
use crate::settings::Settings;
use crate::topic::{Consume, Topic};

struct Orders;

impl Topic for Orders {
    type Key = ();
    type Value = String;
    type Codec = Text;

    fn name(&self) -> &str {
        "orders"
    }
}

impl Consume for Orders {
    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_retry_group_committed_is_deleted_and_nothing_else() {
    let broker = EmbeddedBroker::builder().start().await.expect("a broker");
    let address = broker.bootstrap_servers();
    let settings = Settings::with_bootstrap_servers(&address);
    let kafka = Kafka::builder().settings(settings).build().expect("handle");
    let cluster = Cluster::connect(&kafka, None).await.expect("it answers");
    let topics = ["billing.orders.retry.1", "orders", "billing.orders.dlt"];
    let producer = kafka.producer(None).expect("a producer");
    for topic in topics {
        let new = NewTopic::new(topic).partitions(2);
        cluster.create(new).await.expect("created");
        for _ in 0..5 {
            let record = Outgoing {
                partition: Some(0),
                ..Outgoing::default()
            };
            producer.send_outgoing(topic, &record).await.expect("sent");
        }
    }
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &address)
        .set("group.id", "billing.retry")
        .create()
        .expect("a client");
    let mut committed = TopicPartitionList::new();
    for topic in topics {
        let three = committed.add_partition_offset(topic, 0, Offset::Offset(3));
        three.expect("an offset");
    }
    client.commit(&committed, CommitMode::Sync).expect("taken");

    let spec = ConsumerSpec::new("Billing", "billing").topic(Orders);
    let names = TopicNames::default();
    let sweep = Sweep {
        kafka: kafka.clone(),
        cluster: None,
        group: names.retry_group(&spec.group_id),
        name: spec.name.clone(),
        routes: Routes::of(&spec, Role::Retry, &RetryPolicy::default(), names),
    };
    for _ in 0..2 {
        sweep.once().await.expect("done, and again");
    }
    for (topic, first) in topics.into_iter().zip([3, 0, 0]) {
        let beginning = cluster.offsets(topic, &[0, 1], Place::Beginning).await;
        let beginning = beginning.expect("an answer");
        assert_eq!((beginning[&0], beginning[&1]), (first, 0), "{topic}");
    }
}
