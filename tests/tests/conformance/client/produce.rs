use std::time::Duration;

use kafka_integration_tests::raw::Record;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::reader::{read_all, values};
use super::{blocking, config};
use crate::support::Target;

cases!(
    records_come_back_as_they_were_sent,
    every_codec_is_read,
    an_idempotent_producer_keeps_the_order,
    every_acks_is_taken,
    topics_are_created_by_use,
);

/// Sends values one by one and waits until all are acknowledged.
fn send(config: &ClientConfig, topic: &str, values: &[String]) {
    let producer: BaseProducer = config.create().expect("a producer");
    for value in values {
        let record = BaseRecord::<str, str>::to(topic).payload(value);
        producer
            .send(record.partition(0))
            .expect("room in the queue");
    }
    producer.flush(Duration::from_secs(20)).expect("a flush");
}

async fn records_come_back_as_they_were_sent(target: &Target) {
    let timestamp = Record::today() + 7;
    let topic = target.topic("client-round-trip").await.name;
    let config = config(target);
    blocking(move || {
        let producer: BaseProducer = config.create().expect("a producer");
        let headers = OwnedHeaders::new()
            .insert(Header {
                key: "one",
                value: Some("1"),
            })
            .insert(Header {
                key: "one",
                value: Some("2"),
            })
            .insert(Header {
                key: "none",
                value: None::<&str>,
            });
        let record = BaseRecord::to(&topic).key("key").payload("value");
        let record = record.timestamp(timestamp).headers(headers);
        producer.send(record).expect("room in the queue");
        let tombstone = BaseRecord::<str, str>::to(&topic).key("key");
        producer.send(tombstone).expect("room in the queue");
        producer.flush(Duration::from_secs(20)).expect("a flush");

        let read = read_all(&config, &topic, "read_committed");
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].offset, read[1].offset), (0, 1));
        assert_eq!(read[0].key.as_deref(), Some("key"));
        assert_eq!(read[0].value.as_deref(), Some("value"));
        assert_eq!(read[0].timestamp, Some(timestamp));
        let expected = [("one", Some("1")), ("one", Some("2")), ("none", None)];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.map(str::to_owned)));
        assert_eq!(read[0].headers, expected);
        assert_eq!(read[1].value, None);
    })
    .await;
}

async fn every_codec_is_read(target: &Target) {
    for codec in ["none", "gzip", "snappy", "lz4"] {
        let topic = target.topic(&format!("client-{codec}")).await.name;
        let mut config = config(target);
        config.set("compression.type", codec).set("linger.ms", "20");
        blocking(move || {
            let sent: Vec<_> = (0..500).map(|n| format!("value {n} {codec}")).collect();
            send(&config, &topic, &sent);
            let read = read_all(&config, &topic, "read_committed");
            assert_eq!(values(&read), sent);
        })
        .await;
    }
}

async fn an_idempotent_producer_keeps_the_order(target: &Target) {
    let topic = target.topic("client-idempotent").await.name;
    let mut config = config(target);
    config
        .set("enable.idempotence", "true")
        .set("batch.num.messages", "10");
    blocking(move || {
        let sent: Vec<_> = (0..2_000).map(|n| n.to_string()).collect();
        send(&config, &topic, &sent);
        let read = read_all(&config, &topic, "read_committed");
        assert_eq!(values(&read), sent);
    })
    .await;
}

async fn every_acks_is_taken(target: &Target) {
    for acks in ["0", "1", "all"] {
        let topic = target.topic(&format!("client-acks-{acks}")).await.name;
        let mut config = config(target);
        config.set("acks", acks);
        blocking(move || {
            let sent: Vec<_> = (0..50).map(|n| n.to_string()).collect();
            send(&config, &topic, &sent);
            // Nothing was acknowledged with 0, so it may still be on its way.
            for _ in 0..100 {
                let read = read_all(&config, &topic, "read_uncommitted");
                if read.len() == sent.len() {
                    assert_eq!(values(&read), sent);
                    return;
                }
            }
            panic!("not all is there with acks {acks}");
        })
        .await;
    }
}

async fn topics_are_created_by_use(target: &Target) {
    let topic = target.unique("client-by-use");
    let config = config(target);
    blocking(move || {
        send(&config, &topic, &["a".to_owned()]);
        assert_eq!(values(&read_all(&config, &topic, "read_committed")), ["a"]);
    })
    .await;
}
