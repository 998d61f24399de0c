//! What a closed standard error does to a process that logs there: shown in a
//! process of its own.

use std::process::{Command, Stdio};
use std::time::Duration;

use kafka_integration::management;
use kafka_integration::prelude::*;
use kafka_integration::producer::Outgoing;
use kafka_integration::settings::Settings;

const INNER: &str = "CLOSED_STDERR_TEST_INNER";

/// Produces with nobody at the address, while the log can't be written.
#[tokio::test]
async fn a_log_that_cannot_be_written_keeps_no_produce_waiting() {
    let Some(log) = std::env::var_os(INNER) else {
        for log in ["stderr", "log_writer"] {
            in_a_process_without_stderr(log);
        }
        return;
    };
    let to_stderr = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG);
    if log == "stderr" {
        to_stderr.with_writer(std::io::stderr).init();
    } else {
        to_stderr.with_writer(management::log_writer).init();
        // Must not panic, here or anywhere.
        tracing::error!("nobody reads this");
    }
    let mut settings = Settings::with_bootstrap_servers("127.0.0.1:1");
    let config = &mut settings.cluster.producer_config;
    config.set("message.timeout.ms", "1000");
    let kafka = Kafka::builder().settings(settings).build().expect("handle");
    let producer = kafka.producer(None).expect("producer");
    for _ in 0..2 {
        let record = Outgoing::default();
        let sent = producer.send_outgoing("orders", &record);
        let sent = tokio::time::timeout(Duration::from_secs(30), sent).await;
        assert!(sent.expect("the caller is told").is_err());
    }
    println!("TOLD");
}

fn in_a_process_without_stderr(log: &str) {
    let this = "closed_stderr::a_log_that_cannot_be_written_keeps_no_produce_waiting";
    let binary = std::env::current_exe().expect("a test is a binary");
    let mut process = Command::new(binary)
        .args(["--exact", "--nocapture", this])
        .env(INNER, log)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs again");
    drop(process.stderr.take());
    let output = process.wait_with_output().expect("it ends");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("TOLD"), "{log}: {printed}");
}
