use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::reader::{read_all, values};
use super::{blocking, config};
use crate::support::Target;

cases!(
    what_is_committed_is_read_and_what_is_aborted_is_not,
    a_new_producer_fences_the_old_one,
    offsets_move_with_the_transaction,
    consume_transform_produce,
);

const PATIENCE: Duration = Duration::from_secs(20);

/// With a thread that polls it, as an abort waits for what that one does.
type Transactional = ThreadedProducer<DefaultProducerContext>;

fn producer(config: &ClientConfig, id: &str) -> Transactional {
    let mut config = config.clone();
    config.set("transactional.id", id);
    let producer: Transactional = config.create().expect("a producer");
    producer.init_transactions(PATIENCE).expect("a producer id");
    producer
}

fn send(producer: &Transactional, topic: &str, value: &str) {
    let record = BaseRecord::<str, str>::to(topic).payload(value);
    producer.send(record).expect("room in the queue");
}

async fn what_is_committed_is_read_and_what_is_aborted_is_not(target: &Target) {
    let topic = target.topic("client-txn").await.name;
    let id = target.unique("client-txn");
    let config = config(target);
    blocking(move || {
        let producer = producer(&config, &id);
        for round in 0..6 {
            producer.begin_transaction().expect("a transaction");
            for n in 0..3 {
                send(&producer, &topic, &format!("{round}-{n}"));
            }
            if round % 2 == 0 {
                producer.commit_transaction(PATIENCE).expect("a commit");
            } else {
                producer.abort_transaction(PATIENCE).expect("an abort");
            }
        }
        let committed = read_all(&config, &topic, "read_committed");
        let expected = [0, 2, 4].map(|round| [0, 1, 2].map(|n| format!("{round}-{n}")));
        assert_eq!(values(&committed), expected.concat());
        let everything = read_all(&config, &topic, "read_uncommitted");
        assert!(everything.len() >= committed.len());
    })
    .await;
}

async fn a_new_producer_fences_the_old_one(target: &Target) {
    let topic = target.topic("client-fencing").await.name;
    let id = target.unique("client-fencing");
    let config = config(target);
    blocking(move || {
        let old = producer(&config, &id);
        old.begin_transaction().expect("a transaction");
        send(&old, &topic, "old");
        old.flush(PATIENCE).expect("a flush");
        let new = producer(&config, &id);
        let error = old.commit_transaction(PATIENCE).expect_err("it is fenced");
        let code = error.rdkafka_error_code();
        assert_eq!(code, Some(RDKafkaErrorCode::Fenced), "{error}");
        new.begin_transaction().expect("a transaction");
        send(&new, &topic, "new");
        new.commit_transaction(PATIENCE).expect("a commit");
        assert_eq!(
            values(&read_all(&config, &topic, "read_committed")),
            ["new"]
        );
    })
    .await;
}

async fn offsets_move_with_the_transaction(target: &Target) {
    let topic = target.topic("client-offsets").await.name;
    let group = target.group("client-offsets").await;
    let id = target.unique("client-offsets");
    let mut config = config(target);
    config.set("group.id", &group);
    blocking(move || {
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let metadata = consumer.group_metadata().expect("a group");
        let mut config = config.clone();
        config.remove("group.id");
        let producer = producer(&config, &id);
        let committed = || {
            let mut asked = TopicPartitionList::new();
            asked.add_partition(&topic, 0);
            let list = consumer.committed_offsets(asked, PATIENCE);
            list.expect("offsets").elements()[0].offset()
        };
        for (offset, commit, expected) in [
            (3, false, Offset::Invalid),
            (5, true, Offset::Offset(5)),
            (7, false, Offset::Offset(5)),
        ] {
            let mut offsets = TopicPartitionList::new();
            offsets
                .add_partition_offset(&topic, 0, Offset::Offset(offset))
                .expect("an offset");
            producer.begin_transaction().expect("a transaction");
            producer
                .send_offsets_to_transaction(&offsets, &metadata, PATIENCE)
                .expect("offsets in the transaction");
            if commit {
                producer.commit_transaction(PATIENCE).expect("a commit");
            } else {
                producer.abort_transaction(PATIENCE).expect("an abort");
            }
            assert_eq!(committed(), expected);
        }
    })
    .await;
}

async fn consume_transform_produce(target: &Target) {
    let from = target.topic("client-from").await;
    let to = target.topic("client-to").await.name;
    let group = target.group("client-ctp").await;
    let id = target.unique("client-ctp");
    let sent: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    target
        .append(&from, 0, sent.iter().map(String::as_str))
        .await;
    let mut config = config(target);
    let from = from.name;
    blocking(move || {
        let producer = producer(&config, &id);
        let reader = config.clone();
        config
            .set("group.id", &group)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed");
        let mut done = 0;
        let mut aborted = false;
        // Each life of the consumer goes on from what the transactions committed.
        while done < 20 {
            let consumer: BaseConsumer = config.create().expect("a consumer");
            consumer.subscribe(&[&from]).expect("a subscription");
            producer.begin_transaction().expect("a transaction");
            let mut offset = None;
            for _ in 0..400 {
                let Some(message) = consumer.poll(Duration::from_millis(50)) else {
                    continue;
                };
                let message = message.expect("a message");
                let value = String::from_utf8_lossy(message.payload().unwrap_or_default());
                send(&producer, &to, &format!("<{value}>"));
                offset = Some(message.offset() + 1);
                if message.offset() % 10 == 9 {
                    break;
                }
            }
            let offset = offset.expect("a message in 20 s");
            let mut offsets = TopicPartitionList::new();
            offsets
                .add_partition_offset(&from, 0, Offset::Offset(offset))
                .expect("an offset");
            let metadata = consumer.group_metadata().expect("a group");
            producer
                .send_offsets_to_transaction(&offsets, &metadata, PATIENCE)
                .expect("offsets in the transaction");
            if offset == 20 && !aborted {
                aborted = true;
                producer.abort_transaction(PATIENCE).expect("an abort");
            } else {
                producer.commit_transaction(PATIENCE).expect("a commit");
                done = offset;
            }
        }
        let expected: Vec<_> = (0..20).map(|n| format!("<{n}>")).collect();
        assert_eq!(values(&read_all(&reader, &to, "read_committed")), expected);
    })
    .await;
}
