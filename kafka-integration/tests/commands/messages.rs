use std::io::{self, Write};

use kafka_integration::management::Management;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_produced_is_tailed_with_all_its_parts() {
    for broker in brokers().await {
        let topic = unique("orders");
        let produced = run(
            &broker,
            &[
                "kafka-produce",
                &topic,
                "--key",
                "ann",
                "--value",
                "-5 grün",
                "-H",
                "trace=a=b",
                "-H",
                "empty=",
                "--partition",
                "0",
                "--timestamp",
                "2026-01-31T08:00:00Z",
                "--json",
            ],
        )
        .await;
        assert_eq!(produced.code, 0, "{produced:?}");
        assert_eq!(produced.json()["partition"], 0);
        assert_eq!(produced.json()["offset"], 0);
        let tombstone = [
            "kafka-produce",
            &topic,
            "--key",
            "",
            "--tombstone",
            "--partition",
            "0",
        ];
        assert_eq!(
            run(&broker, &tombstone).await.output,
            format!("produced to {topic}[0]@1\n")
        );

        let tail = [
            "kafka-tail",
            &topic,
            "--from",
            "beginning",
            "--max",
            "2",
            "--json",
        ];
        let tailed = run(&broker, &tail).await;
        assert_eq!(tailed.code, 0, "{tailed:?}");
        let lines = tailed.json_lines();
        assert_eq!(lines[0]["topic"], topic.as_str());
        assert_eq!(lines[0]["key"], "ann");
        assert_eq!(lines[0]["value"], "-5 grün");
        assert_eq!(lines[0]["timestamp"], "2026-01-31T08:00:00.000Z");
        assert_eq!(lines[0]["headers"][0]["value"], "a=b");
        assert_eq!(lines[0]["headers"][1]["value"], "");
        // An empty key is a key, a tombstone is no value.
        assert_eq!(lines[1]["key"], "");
        assert!(lines[1]["value"].is_null() && lines[1]["offset"] == 1);

        let text = run(
            &broker,
            &["kafka-tail", &topic, "--from", "0", "--max", "1"],
        )
        .await;
        let expected = "2026-01-31T08:00:00.000Z key=ann trace=a=b empty= | -5 grün\n";
        assert_eq!(text.output, format!("{topic}[0]@0 {expected}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_starts_where_it_is_told() {
    for broker in brokers().await {
        let topic = broker.topic(1).await;
        for value in ["second", "third"] {
            let produce = [
                "kafka-produce",
                &topic,
                "--value",
                value,
                "--partition",
                "0",
            ];
            assert_eq!(run(&broker, &produce).await.code, 0);
        }
        let values = async |from: &str| {
            let tail = [
                "kafka-tail",
                &topic,
                "--from",
                from,
                "--timeout",
                "1s",
                "--json",
            ];
            let tailed = run(&broker, &[&tail[..], &["--partition", "0"]].concat()).await;
            assert_eq!(tailed.code, 0, "{tailed:?}");
            let lines = tailed.json_lines();
            let values: Vec<_> = lines.iter().map(|line| line["value"].to_string()).collect();
            values.join(" ")
        };
        assert_eq!(values("1").await, r#""second" "third""#);
        assert_eq!(values("-1").await, r#""third""#);
        assert_eq!(values("-99").await, r#""first" "second" "third""#);
        assert_eq!(values("end").await, "");
        // Past the end is the end, not wherever the client would go.
        assert_eq!(values("99").await, "");
        assert_eq!(values("1h").await, r#""first" "second" "third""#);
        assert_eq!(values("2999-01-01T00:00:00Z").await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_there_is_named() {
    for broker in brokers().await {
        let topic = unique("nowhere");
        let tailed = run(&broker, &["kafka-tail", &topic]).await;
        assert_eq!(tailed.code, 1);
        assert!(
            tailed.notices.contains(&format!("no topic `{topic}`")),
            "{tailed:?}"
        );
        // Asking must not have made it.
        let again = run(&broker, &["kafka-topics", "describe", &topic]).await;
        assert_eq!(again.code, 1, "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_not_there_is_bad_usage() {
    for broker in brokers().await {
        let topic = broker.topic(1).await;
        let tailed = run(&broker, &["kafka-tail", &topic, "--partition", "77"]).await;
        assert_eq!(tailed.code, 2);
        assert!(tailed.notices.contains("no partition 77"), "{tailed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_and_illegal_names_are_refused_before_anything_connects() {
    let nowhere = kafka_integration::settings::Settings::with_bootstrap_servers("127.0.0.1:1");
    for arguments in [
        &["kafka-produce", "^shop.*", "--value", "x"][..],
        &["kafka-produce", "two words", "--value", "x"],
        &["kafka-tail", "^shop.*"],
        &["kafka-topics", "create", "a/b"],
    ] {
        let management = Management::new().settings(nowhere.clone());
        assert_eq!(
            execute(management, arguments).await.code,
            2,
            "{arguments:?}"
        );
    }
}

#[test]
fn arguments_that_contradict_each_other_are_refused() {
    let produce = |rest: &[&str]| parses(&[&["kafka-produce", "orders"][..], rest].concat());
    for good in [
        &["--value", "x"][..],
        &["--value", "-1", "--key", "-k"],
        &["--key", "k", "--tombstone"],
        &["--file", "-", "--format", "csv", "--no-header"],
        &[
            "--file",
            "a.csv",
            "--key-column",
            "id",
            "--typed",
            "--skip-bad",
            "-H",
            "a=b",
        ],
    ] {
        assert_eq!(produce(good), Ok(()), "{good:?}");
    }
    for bad in [
        &[][..],
        &["--key", "k"],
        &["--tombstone"],
        &["--value", "x", "--file", "a.csv"],
        &["--value", "x", "--tombstone", "--key", "k"],
        &["--file", "a.csv", "--key", "k"],
        &["--file", "a.csv", "--no-header", "--key-column", "id"],
        &["--value", "x", "--key-column", "id"],
        &["--value", "x", "--header", "novalue"],
        &["--value", "x", "--partition", "-1"],
        &["--value", "x", "--timestamp", "soon"],
    ] {
        assert!(produce(bad).is_err(), "{bad:?}");
    }
    assert!(parses(&["kafka-tail", "orders", "--max", "0"]).is_err());
    assert!(parses(&["kafka-tail", "orders", "--from", "soon"]).is_err());
    assert!(parses(&["kafka-lag", "Billing", "--group", "billing"]).is_err());
    assert!(
        parses(&[
            "kafka-topics",
            "create",
            "orders",
            "--config",
            "retention.ms"
        ])
        .is_err()
    );
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in [
        &["kafka-consume"][..],
        &["kafka-produce"],
        &["kafka-tail"],
        &["kafka-consumers"],
        &["kafka-topics"],
        &["kafka-topics", "list"],
        &["kafka-topics", "describe"],
        &["kafka-topics", "create"],
        &["kafka-lag"],
        &["kafka-check"],
    ] {
        let help = parses(&[command, &["--help"]].concat()).expect_err("help");
        assert!(help.contains("Example"), "{command:?}: {help}");
    }
}

/// A reader that went away, as `head` does.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_went_away_ends_a_tail_and_nothing_is_committed() {
    for broker in brokers().await {
        let topic = broker.topic(1).await;
        let group = unique("audit");
        let tail = ["kafka-tail", &topic, "--group", &group];
        let management = Management::new().settings(broker.settings()).output(Closed);
        let (code, error) = end(management, &tail).await;
        assert_eq!(code, 0, "{error}");
        // Nobody has seen the message: it comes again.
        let again = [&tail[..], &["--max", "1", "--json", "--timeout", "20s"]].concat();
        let tailed = run(&broker, &again).await;
        assert_eq!(tailed.json_lines().len(), 1, "{tailed:?}");
        assert_eq!(tailed.json_lines()[0]["value"], "first", "{tailed:?}");
    }
}
