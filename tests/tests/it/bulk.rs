//! A large file through `kafka-produce`.

use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kafka_integration_tests::TestBroker;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use crate::support::{Scene, heavy};

const ROWS: usize = 300_000;
const MEGABYTE: u64 = 1 << 20;

#[test]
fn three_hundred_thousand_rows_arrive_each_under_its_key_and_memory_stays_flat() {
    let test = "three_hundred_thousand_rows_arrive_each_under_its_key_and_memory_stays_flat";
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let _alone = heavy();
        let scene = Scene::new(bootstrap, "bulk", 12);
        let few = produce(&scene, 3_000);
        let many = produce(&scene, ROWS);
        println!(
            "{test}: a peak of {} MiB for 3,000 rows, {} MiB for {ROWS}",
            few / MEGABYTE,
            many / MEGABYTE
        );
        assert!(many < few + 32 * MEGABYTE, "memory grows with the file");

        let mut seen = vec![0_u8; ROWS];
        let expected = ROWS + 3_000;
        let consumer = reader(&scene);
        let deadline = Instant::now() + Duration::from_secs(60);
        for number in 0..expected {
            let message = loop {
                if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                    break message.expect("a message");
                }
                assert!(Instant::now() < deadline, "{number} of {expected} arrived");
            };
            let row: serde_json::Value =
                serde_json::from_slice(message.payload().expect("a value")).expect("JSON");
            assert_eq!(message.key(), row["customer"].as_str().map(str::as_bytes));
            let order: usize = row["order"]
                .as_str()
                .expect("text")
                .parse()
                .expect("a number");
            seen[order] += 1;
        }
        let twice = seen.iter().take(3_000).all(|count| *count == 2);
        let once = seen.iter().skip(3_000).all(|count| *count == 1);
        assert!(twice && once, "each row exactly once in each run");
        assert!(consumer.poll(Duration::from_millis(500)).is_none());
    }
}

/// Runs `kafka-produce` on a file of so many rows; returns its peak memory.
fn produce(scene: &Scene, rows: usize) -> u64 {
    let path = scene.directory().join(format!("orders-{rows}.csv"));
    let mut file = BufWriter::new(std::fs::File::create(&path).expect("a file"));
    writeln!(file, "order,customer,comment").expect("written");
    for order in 0..rows {
        let customer = order % 997;
        writeln!(file, "{order},c{customer},\"two, with a comma\"").expect("written");
    }
    file.flush().expect("written");
    let mut child = Command::new(env!("CARGO_BIN_EXE_shop"))
        .args([
            "kafka-produce",
            &scene.topic,
            "--json",
            "--key-column",
            "customer",
        ])
        .arg("--file")
        .arg(&path)
        .env("KAFKA_CONFIG_DIR", scene.directory())
        .env("KAFKA__BOOTSTRAP_SERVERS", &scene.bootstrap)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0) * 1024);
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("it ended");
    assert!(output.status.success());
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told["acknowledged"], rows, "{told}");
    peak
}

fn reader(scene: &Scene) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &scene.bootstrap)
        .set("group.id", format!("{}-reader", scene.group))
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    let mut all = TopicPartitionList::new();
    for partition in 0..scene.partitions {
        all.add_partition_offset(&scene.topic, partition, Offset::Beginning)
            .expect("an offset");
    }
    consumer.assign(&all).expect("assigned");
    consumer
}
