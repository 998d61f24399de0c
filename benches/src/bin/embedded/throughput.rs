use std::time::{Duration, Instant};

use kafka_integration_benches::{Failure, Topics};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

/// As long as the orders of the other benchmarks.
const PAYLOAD: [u8; 113] = [b'x'; 113];
/// Nothing takes so long but a broker that lost something.
const TIMEOUT: Duration = Duration::from_secs(120);

pub(crate) async fn create(address: &str, topic: &str, partitions: i32) -> Result<(), Failure> {
    Topics::at(address).create(topic, partitions).await?;
    Ok(())
}

pub(crate) async fn delete(address: &str, topic: &str) -> Result<(), Failure> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", address)
        .create()?;
    admin.delete_topics(&[topic], &AdminOptions::new()).await?;
    Ok(())
}

/// Idempotent, with acks=all; returns messages a second until the last one is
/// acknowledged.
pub(crate) fn produce(address: &str, topic: &str, messages: u64) -> Result<f64, Failure> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("enable.idempotence", "true")
        .set("queue.buffering.max.messages", "500000")
        .create()?;
    producer.client().fetch_metadata(Some(topic), TIMEOUT)?;
    let began = Instant::now();
    for number in 0..messages {
        let key = number.to_be_bytes();
        let mut record = BaseRecord::to(topic).key(&key).payload(&PAYLOAD);
        while let Err((error, returned)) = producer.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            record = returned;
            producer.poll(Duration::from_millis(5));
        }
        if number % 1024 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(TIMEOUT)?;
    Ok(messages as f64 / began.elapsed().as_secs_f64())
}

/// From the earliest to the last record, without a group.
pub(crate) fn consume(address: &str, topic: &str, messages: u64) -> Result<f64, Failure> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", "bench-broker")
        .set("enable.auto.commit", "false")
        .set("fetch.queue.backoff.ms", "50")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT)?;
    let partitions = metadata
        .topics()
        .first()
        .map_or(0, |topic| topic.partitions().len());
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition as i32, Offset::Beginning)?;
    }
    let began = Instant::now();
    consumer.assign(&list)?;
    let mut consumed = 0;
    while consumed < messages {
        match consumer.poll(TIMEOUT) {
            Some(message) => {
                message?;
                consumed += 1;
            }
            None => return Err(format!("{consumed} of {messages} messages came").into()),
        }
    }
    Ok(messages as f64 / began.elapsed().as_secs_f64())
}
