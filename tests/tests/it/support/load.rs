use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kafka_integration_tests::Event;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

use super::Scene;

/// Event number `id` of a test that spreads its events over so many keys.
pub(crate) fn event(id: u64, keys: u64) -> Event {
    Event {
        id,
        key: format!("key-{}", id % keys),
        sequence: id / keys,
    }
}

#[derive(Clone, Default)]
struct Acknowledged(Arc<AtomicU64>);

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_ok() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A producer with nothing of the framework in it.
pub(crate) struct RawProducer<'a> {
    client: BaseProducer<Acknowledged>,
    topic: &'a str,
    sent: u64,
}

impl<'a> RawProducer<'a> {
    pub(crate) fn new(bootstrap: &str, topic: &'a str) -> Self {
        let client = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            // Fetched in small pieces, so that partitions take turns.
            .set("batch.num.messages", "50")
            .set("queue.buffering.max.kbytes", "65536")
            .create_with_context(Acknowledged::default())
            .expect("a producer");
        Self {
            client,
            topic,
            sent: 0,
        }
    }

    /// By the hash of its key, unless a partition is named.
    fn send(&mut self, partition: Option<i32>, key: &str, payload: &[u8]) {
        let mut record = BaseRecord::to(self.topic).key(key).payload(payload);
        record.partition = partition;
        self.send_record(record);
    }

    /// Sends that record, to whatever topic it names.
    pub(crate) fn send_record(&mut self, mut record: BaseRecord<'_, str, [u8]>) {
        while let Err((error, back)) = self.client.send(record) {
            let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            assert_eq!(error, full);
            self.client.poll(Duration::from_millis(10));
            record = back;
        }
        self.sent += 1;
        self.client.poll(Duration::ZERO);
    }

    /// Sends events, each to its partition or where its key belongs, and waits
    /// until they are acknowledged.
    pub(crate) fn send_all<P: Into<Option<i32>>>(
        &mut self,
        events: impl IntoIterator<Item = (P, Event)>,
    ) {
        for (partition, event) in events {
            self.send(partition.into(), &event.key, &json(&event));
        }
        self.flush();
    }

    /// Waits until everything is acknowledged.
    pub(crate) fn flush(&self) {
        let flushed = self.client.flush(Duration::from_secs(60));
        flushed.expect("the broker takes everything");
        let acknowledged = self.client.context().0.load(Ordering::Relaxed);
        assert_eq!(acknowledged, self.sent, "not everything was acknowledged");
    }
}

pub(crate) fn json(event: &Event) -> Vec<u8> {
    serde_json::to_vec(event).expect("an event is JSON")
}

/// Produces events and waits until all are acknowledged. Each goes where its
/// key belongs, or to the partition it comes with.
pub(crate) fn produce<P: Into<Option<i32>>>(
    scene: &Scene,
    events: impl IntoIterator<Item = (P, Event)>,
) {
    RawProducer::new(&scene.bootstrap, &scene.topic).send_all(events);
}

/// Produces so many records of about so many bytes that no compression would
/// make smaller.
pub(crate) fn produce_backlog(scene: &Scene, records: u64, bytes: usize) {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut letter = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        char::from(b'A' + (seed % 26) as u8)
    };
    let noise: String = (0..16 * bytes).map(|_| letter()).collect();
    let mut producer = RawProducer::new(&scene.bootstrap, &scene.topic);
    for id in 0..records {
        let Event { id, key, sequence } = event(id, 1_000);
        let start = (id as usize * 997) % (15 * bytes);
        let padding = &noise[start..start + bytes];
        let payload =
            format!(r#"{{"id":{id},"key":"{key}","sequence":{sequence},"padding":"{padding}"}}"#);
        producer.send(None, &key, payload.as_bytes());
    }
    producer.flush();
}

/// Produces without a pause, at a rate, until stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Load {
    pub(crate) fn start(scene: &Scene, per_second: u64, keys: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (stop, topic) = (Arc::clone(&stop), scene.topic.clone());
            let bootstrap = scene.bootstrap.clone();
            move || {
                let mut producer = RawProducer::new(&bootstrap, &topic);
                let started = Instant::now();
                while !stop.load(Ordering::Relaxed) {
                    let due = started.elapsed().as_millis() as u64 * per_second / 1_000;
                    while producer.sent < due {
                        let event = event(producer.sent, keys);
                        producer.send(None, &event.key, &json(&event));
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
                producer.flush();
                producer.sent
            }
        });
        Self { stop, thread }
    }

    /// Ends it; how many events were produced.
    pub(crate) fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("everything was acknowledged")
    }
}
