//! SIGKILL, twenty times, under an idempotent load.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use kafka_integration_tests::unique;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{
    BaseRecord, DefaultProducerContext, Producer, ProducerContext, ThreadedProducer,
};
use rdkafka::{ClientConfig, ClientContext, Message, Offset, TopicPartitionList};

use super::process::BrokerProcess;
use crate::support::{heavy, until};

const KILLS: usize = 20;
const PARTITIONS: i32 = 4;
/// Acknowledged between one kill and the next.
const PROGRESS: usize = 2_000;
const PATIENCE: Duration = Duration::from_secs(60);

type Place = (i32, i64);

/// What the broker acknowledged: by number, where it is.
#[derive(Clone, Default)]
struct Acknowledged(Arc<Mutex<HashMap<u64, Place>>>);

impl Acknowledged {
    fn count(&self) -> usize {
        self.0.lock().expect("no callback panics").len()
    }
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<u64>) {
        let message = result
            .as_ref()
            .expect("an idempotent producer goes on by itself");
        let place = (message.partition(), message.offset());
        self.0
            .lock()
            .expect("no callback panics")
            .insert(*number, place);
    }
}

fn config(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", address)
        .set("reconnect.backoff.max.ms", "200")
        .set("socket.connection.setup.timeout.ms", "2000");
    config
}

/// Produces until told to stop, then waits for every acknowledgement.
fn produce(
    address: String,
    topic: String,
    acknowledged: Acknowledged,
    stop: Arc<AtomicBool>,
) -> u64 {
    let producer: ThreadedProducer<Acknowledged> = config(&address)
        .set("enable.idempotence", "true")
        .set("linger.ms", "1")
        .set("message.timeout.ms", "120000")
        .create_with_context(acknowledged)
        .expect("a producer");
    let mut number = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let payload = number.to_be_bytes();
        let record = BaseRecord::with_opaque_to(&topic, Box::new(number))
            .partition((number % PARTITIONS as u64) as i32)
            .key(&payload)
            .payload(&payload);
        if producer.send(record).is_ok() {
            number += 1;
        }
        // Leaves the processor to the broker now and then.
        if number.is_multiple_of(50) {
            thread::sleep(Duration::from_millis(5));
        }
    }
    producer
        .flush(PATIENCE)
        .expect("everything is acknowledged");
    number
}

/// Consumes in a group and commits, one offset at a time, each acknowledged
/// before the next; returns what was committed last.
fn consume(
    address: String,
    topic: String,
    stop: Arc<AtomicBool>,
    commits: Arc<AtomicU64>,
) -> BTreeMap<i32, i64> {
    let consumer: BaseConsumer = config(&address)
        .set("group.id", "killed")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()
        .expect("a consumer");
    consumer.subscribe(&[&topic]).expect("subscribed");
    let mut committed = BTreeMap::new();
    let mut next = BTreeMap::<i32, i64>::new();
    while !stop.load(Ordering::Relaxed) {
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) else {
            continue;
        };
        let (partition, offset) = (message.partition(), message.offset());
        let expected = next.insert(partition, offset + 1);
        // After a rebalance or a restart it resumes at what was committed,
        // never before it and never behind what it has seen.
        let from = committed.get(&partition).copied().unwrap_or(0);
        let seen = expected.unwrap_or(from);
        assert!(
            (from..=seen).contains(&offset),
            "[{partition}] {offset} after {seen}, committed {from}"
        );
        if offset % 100 != 0 {
            continue;
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, partition, Offset::Offset(offset + 1))
            .expect("an offset");
        // A commit that fails may still have happened: then it is the next one
        // that says so. One that is acknowledged must stay.
        if consumer.commit(&list, CommitMode::Sync).is_ok() {
            committed.insert(partition, offset + 1);
            commits.fetch_add(1, Ordering::Relaxed);
        }
    }
    committed
}

/// The records a reader sees, by partition; it ends at the high watermark.
fn read(address: &str, topic: &str, partitions: i32, isolation: &str) -> Vec<Vec<(i64, Vec<u8>)>> {
    let consumer: BaseConsumer = config(address)
        .set("group.id", "reader")
        .set("enable.partition.eof", "true")
        .set("isolation.level", isolation)
        .create()
        .expect("a consumer");
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .expect("an offset");
    }
    consumer.assign(&list).expect("assigned");
    let mut records = vec![Vec::new(); partitions as usize];
    let mut ended = 0;
    while ended < partitions {
        match consumer.poll(PATIENCE).expect("the end of each partition") {
            Ok(message) => records[message.partition() as usize].push((
                message.offset(),
                message.payload().unwrap_or_default().to_vec(),
            )),
            Err(rdkafka::error::KafkaError::PartitionEOF(_)) => ended += 1,
            Err(error) => panic!("{error}"),
        }
    }
    records
}

fn transactional(address: &str, id: &str) -> ThreadedProducer<DefaultProducerContext> {
    let producer: ThreadedProducer<DefaultProducerContext> = config(address)
        .set("transactional.id", id)
        .set("transaction.timeout.ms", "60000")
        .create()
        .expect("a producer");
    // The broker may just be coming back.
    until(PATIENCE, || {
        producer
            .init_transactions(Duration::from_secs(5))
            .err()
            .map(|error| error.to_string())
    });
    producer
}

fn send(producer: &ThreadedProducer<DefaultProducerContext>, topic: &str, payload: &str) {
    let record = BaseRecord::<(), _>::to(topic).payload(payload);
    producer
        .send(record)
        .map_err(|(error, _)| error)
        .expect("queued");
    producer.flush(PATIENCE).expect("written");
}

#[test]
fn twenty_kills_lose_and_double_nothing() {
    let _alone = heavy();
    let directory = tempfile::tempdir().expect("a directory");
    let mut broker = BrokerProcess::start(directory.path());
    let address = broker.address().to_owned();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (topic, ledger) = (unique("killed"), unique("ledger"));
    runtime.block_on(kafka_integration_tests::create_topic(
        &address, &topic, PARTITIONS,
    ));
    runtime.block_on(kafka_integration_tests::create_topic(&address, &ledger, 1));

    let acknowledged = Acknowledged::default();
    let stop_producing = Arc::new(AtomicBool::new(false));
    let stop_consuming = Arc::new(AtomicBool::new(false));
    let commits = Arc::new(AtomicU64::new(0));
    let producing = {
        let (address, topic) = (address.clone(), topic.clone());
        let (acknowledged, stop) = (acknowledged.clone(), Arc::clone(&stop_producing));
        thread::spawn(move || produce(address, topic, acknowledged, stop))
    };
    let consuming = {
        let (address, topic) = (address.clone(), topic.clone());
        let (stop, commits) = (Arc::clone(&stop_consuming), Arc::clone(&commits));
        thread::spawn(move || consume(address, topic, stop, commits))
    };

    let mut visible = Vec::new();
    let mut waiting_for = PROGRESS;
    for kill in 0..KILLS {
        until(PATIENCE, || {
            let now = acknowledged.count();
            (now < waiting_for)
                .then(|| format!("{waiting_for} acknowledged before kill {kill}, {now} are"))
        });
        // A transaction that the kill finds open, with a record in it.
        let id = format!("{ledger}-{kill}");
        let payload = format!("open at kill {kill}");
        let writer = transactional(&address, &id);
        writer.begin_transaction().expect("begun");
        send(&writer, &ledger, &payload);
        let committed_before = commits.load(Ordering::Relaxed);

        broker.kill();
        broker.restart();

        if kill % 2 == 0 {
            // It is still open, and its producer finishes it.
            writer.commit_transaction(PATIENCE).expect("committed");
            visible.push(payload.into_bytes());
        } else {
            // Whoever takes over the id aborts it.
            drop(writer);
            drop(transactional(&address, &id));
        }
        until(PATIENCE, || {
            let now = commits.load(Ordering::Relaxed);
            (now <= committed_before).then(|| format!("a commit after kill {kill}"))
        });
        waiting_for = acknowledged.count() + PROGRESS;
    }

    stop_producing.store(true, Ordering::Relaxed);
    let sent = producing.join().expect("the producer ends");
    stop_consuming.store(true, Ordering::Relaxed);
    let committed = consuming.join().expect("the consumer ends");

    // Every acknowledged record is where the broker said, none is there twice,
    // and no offset is missing.
    assert_eq!(acknowledged.count() as u64, sent);
    let records = read(&address, &topic, PARTITIONS, "read_uncommitted");
    let mut places = HashMap::new();
    for (partition, records) in records.iter().enumerate() {
        for (at, (offset, payload)) in records.iter().enumerate() {
            assert_eq!(*offset, at as i64, "a hole in [{partition}]");
            let number = u64::from_be_bytes(payload[..].try_into().expect("a number"));
            let twice = places.insert(number, (partition as i32, *offset));
            assert_eq!(twice, None, "{number} is there twice");
        }
    }
    assert_eq!(places, *acknowledged.0.lock().expect("no callback panics"));

    // The group is where it committed.
    let consumer: BaseConsumer = config(&address)
        .set("group.id", "killed")
        .create()
        .expect("a consumer");
    let mut list = TopicPartitionList::new();
    list.add_partition_range(&topic, 0, PARTITIONS - 1);
    let found = consumer.committed_offsets(list, PATIENCE).expect("offsets");
    for (partition, offset) in committed {
        let found = found
            .find_partition(&topic, partition)
            .expect("a partition")
            .offset();
        assert_eq!(found, Offset::Offset(offset), "[{partition}]");
    }

    // Of the transactions exactly those are seen that were committed.
    let seen = read(&address, &ledger, 1, "read_committed").remove(0);
    assert_eq!(
        seen.into_iter()
            .map(|(_, payload)| payload)
            .collect::<Vec<_>>(),
        visible
    );
    println!("{sent} records acknowledged and found over {KILLS} kills");
}
