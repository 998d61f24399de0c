use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::{blocking, config};
use crate::support::{Target, eventually};

cases!(
    topics_are_created_described_and_deleted,
    records_and_groups_are_deleted,
    offsets_are_looked_up,
    groups_are_listed,
);

const PATIENCE: Duration = Duration::from_secs(20);

fn admin(target: &Target) -> AdminClient<DefaultClientContext> {
    config(target).create().expect("an admin client")
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE))
}

async fn topics_are_created_described_and_deleted(target: &Target) {
    let admin = admin(target);
    let name = target.unique("client-admin");
    let topic = NewTopic::new(&name, 2, TopicReplication::Fixed(1)).set("retention.ms", "12345678");
    let created = admin.create_topics([&topic], &options()).await;
    assert_eq!(created.expect("an answer"), [Ok(name.clone())]);
    let again = admin.create_topics([&topic], &options()).await;
    let exists = Err((name.clone(), RDKafkaErrorCode::TopicAlreadyExists));
    assert_eq!(again.expect("an answer"), [exists]);

    let more = NewPartitions::new(&name, 5);
    let grown = admin.create_partitions([&more], &options()).await;
    assert_eq!(grown.expect("an answer"), [Ok(name.clone())]);
    eventually("five partitions", async || {
        let consumer: BaseConsumer = config(target).create().expect("a consumer");
        let name = name.clone();
        let metadata = blocking(move || consumer.fetch_metadata(Some(&name), PATIENCE)).await;
        let metadata = metadata.expect("metadata");
        (metadata.topics()[0].partitions().len() == 5).then_some(())
    })
    .await;

    let specifier = ResourceSpecifier::Topic(&name);
    let value = async |key: &str| {
        let described = admin.describe_configs([&specifier], &options()).await;
        let resource = described.expect("an answer").remove(0).expect("settings");
        let entry = resource.get(key).expect("the setting");
        (entry.value.clone().unwrap_or_default(), entry.is_default)
    };
    assert_eq!(value("retention.ms").await, ("12345678".into(), false));
    assert_eq!(value("cleanup.policy").await, ("delete".into(), true));
    let change = AlterConfig::new(specifier).set("segment.bytes", "7654321");
    let altered = admin.alter_configs([&change], &options()).await;
    assert!(altered.expect("an answer")[0].is_ok());
    eventually("the new setting", async || {
        let set = value("segment.bytes").await == ("7654321".into(), false);
        let replaced = value("retention.ms").await.1;
        (set && replaced).then_some(())
    })
    .await;

    let deleted = admin.delete_topics(&[&name], &options()).await;
    assert_eq!(deleted.expect("an answer"), [Ok(name.clone())]);
    eventually("the topic is gone", async || {
        (target.metadata(&name).await.error_code == 3).then_some(())
    })
    .await;
}

async fn records_and_groups_are_deleted(target: &Target) {
    let admin = admin(target);
    let topic = target.topic("client-delete").await;
    let group = target.group("client-delete").await;
    target.append(&topic, 0, ["a", "b", "c"]).await;
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(&topic.name, 0, Offset::Offset(2))
        .expect("an offset");
    let deleted = admin.delete_records(&offsets, &options()).await;
    deleted.expect("an answer");
    assert_eq!(target.list_offset(&topic, 0, -2).await.offset, 2);

    target.commit(&group, &topic, 3).await;
    let deleted = admin.delete_groups(&[&group], &options()).await;
    assert_eq!(deleted.expect("an answer"), [Ok(group.clone())]);
    let again = admin.delete_groups(&[&group], &options()).await;
    let missing = Err((group.clone(), RDKafkaErrorCode::GroupIdNotFound));
    assert_eq!(again.expect("an answer"), [missing]);
}

async fn offsets_are_looked_up(target: &Target) {
    use kafka_integration_tests::raw::{Batch, Record};

    let topic = target.topic("client-lookup").await;
    let today = Record::today();
    let records = [0, 10, 20].map(|time| Record::new("x").at(today + time));
    target.produce(&topic, 0, &Batch::new(records)).await;
    let consumer: BaseConsumer = config(target).create().expect("a consumer");
    let name = topic.name.clone();
    blocking(move || {
        let watermarks = consumer.fetch_watermarks(&name, 0, PATIENCE);
        assert_eq!(watermarks.expect("watermarks"), (0, 3));
        for (time, expected) in [
            (5, Offset::Offset(1)),
            (20, Offset::Offset(2)),
            (21, Offset::End),
        ] {
            let mut asked = TopicPartitionList::new();
            asked
                .add_partition_offset(&name, 0, Offset::Offset(today + time))
                .expect("a time");
            let found = consumer
                .offsets_for_times(asked, PATIENCE)
                .expect("offsets");
            assert_eq!(found.elements()[0].offset(), expected, "at {time}");
        }
    })
    .await;
}

async fn groups_are_listed(target: &Target) {
    let members = target.stable("client-listed", 1).await;
    let consumer: BaseConsumer = config(target).create().expect("a consumer");
    let name = members[0].group.clone();
    blocking(move || {
        let listed = consumer.fetch_group_list(Some(&name), PATIENCE);
        let listed = listed.expect("groups");
        let group = &listed.groups()[0];
        assert_eq!((group.name(), group.state()), (&*name, "Stable"));
        assert_eq!(group.members().len(), 1);
        let all = consumer.fetch_group_list(None, PATIENCE).expect("groups");
        assert!(all.groups().iter().any(|group| group.name() == name));
    })
    .await;
}
