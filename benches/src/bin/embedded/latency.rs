use std::thread;
use std::time::{Duration, Instant};

use kafka_integration_benches::{Failure, Topics, sorted};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

const RATE: u64 = 500;
/// The first messages pay for connections and are not counted.
const WARM_UP: u64 = RATE;

/// The median and the 99th percentile, in milliseconds, from before a message
/// is given to the producer to after the consumer has it, at 500 messages a
/// second without linger.
pub(crate) async fn measure(address: &str, seconds: u64) -> Result<(f64, f64), Failure> {
    let topic = format!("latency-{}", std::process::id());
    Topics::at(address).create(&topic, 1).await?;
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", "bench-latency")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "500")
        .create()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::End)?;
    consumer.assign(&list)?;
    // Until it waits at the end, the consumer would miss the first messages.
    consumer.poll(Duration::from_secs(1));
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("linger.ms", "0")
        .set("enable.idempotence", "true")
        .create()?;
    let count = WARM_UP + seconds * RATE;
    let epoch = Instant::now();
    let sending = thread::spawn(move || -> Result<(), String> {
        for number in 0..count {
            let due = epoch + Duration::from_micros(number * 1_000_000 / RATE);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let sent = (epoch.elapsed().as_nanos() as u64).to_be_bytes();
            let record: BaseRecord<'_, (), [u8]> = BaseRecord::to(&topic).payload(&sent);
            producer
                .send(record)
                .map_err(|(error, _)| error.to_string())?;
            producer.poll(Duration::ZERO);
        }
        producer
            .flush(Duration::from_secs(30))
            .map_err(|error| error.to_string())
    });
    let mut latencies = Vec::new();
    let mut seen = 0;
    while seen < count {
        let Some(message) = consumer.poll(Duration::from_secs(30)) else {
            return Err(format!("{seen} of {count} messages came").into());
        };
        let message = message?;
        let now = epoch.elapsed().as_nanos() as u64;
        seen += 1;
        if seen > WARM_UP
            && let Some(sent) = message.payload().and_then(|sent| sent.try_into().ok())
        {
            latencies.push((now - u64::from_be_bytes(sent)) as f64 / 1e6);
        }
    }
    sending.join().map_err(|_| "the producer panicked")??;
    let latencies = sorted(latencies);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    Ok((at(0.5), at(0.99)))
}
