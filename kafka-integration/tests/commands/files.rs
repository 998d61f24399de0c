use std::collections::BTreeMap;
use std::path::Path;

use crate::support::*;

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a file");
    path.to_str().expect("a UTF-8 path").to_owned()
}

async fn tail(broker: &Broker, topic: &str, count: usize) -> Vec<serde_json::Value> {
    let max = count.to_string();
    let tail = [
        "kafka-tail",
        topic,
        "--from",
        "beginning",
        "--max",
        &max,
        "--json",
    ];
    let tailed = run(broker, &[&tail[..], &["--timeout", "20s"]].concat()).await;
    assert_eq!(tailed.code, 0, "{tailed:?}");
    tailed.json_lines()
}

async fn count(broker: &Broker, topic: &str) -> u64 {
    let described = run(broker, &["kafka-topics", "describe", topic, "--json"]).await;
    let partitions = described.json()["partitions"].clone();
    let partitions = partitions.as_array().expect("a list").clone();
    let sums = partitions.iter().map(|partition| {
        let of = |name: &str| partition[name].as_u64().expect("a number");
        of("end") - of("beginning")
    });
    sums.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_arrives_once_and_keyed_by_its_column() {
    const ROWS: usize = 20_000;
    let directory = tempfile::tempdir().expect("a directory");
    let mut text = String::from("order_id,customer,note\n");
    for order in 0..ROWS {
        text.push_str(&format!("{order},c{},\"a, {order}\"\n", order % 100));
    }
    let file = write(directory.path(), "orders.csv", &text);
    for broker in brokers().await {
        let topic = unique("orders");
        let produce = [
            "kafka-produce",
            &topic,
            "--file",
            &file,
            "--key-column",
            "customer",
        ];
        let produced = run(&broker, &[&produce[..], &["--json"]].concat()).await;
        assert_eq!(produced.code, 0, "{produced:?}");
        assert_eq!(produced.json()["acknowledged"], ROWS);
        assert_eq!(count(&broker, &topic).await, ROWS as u64);
        let mut orders = BTreeMap::new();
        for message in tail(&broker, &topic, ROWS).await {
            let value = message["value"].as_str().expect("text");
            let row: BTreeMap<String, String> = serde_json::from_str(value).expect("an object");
            assert_eq!(row["customer"], message["key"].as_str().expect("a key"));
            let order = row["order_id"].clone();
            assert_eq!(row["note"], format!("a, {order}"));
            *orders.entry(order).or_insert(0) += 1;
        }
        assert!(orders.len() == ROWS && orders.values().all(|times| *times == 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_ends_it_after_all_before_it_were_acknowledged() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut text: String = (0..1_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    text.push_str("\n{\"n\":\n{\"n\":1001}\n");
    let file = write(directory.path(), "numbers.jsonl", &text);
    for broker in brokers().await {
        let topic = unique("numbers");
        let produced = run(&broker, &["kafka-produce", &topic, "--file", &file]).await;
        assert_eq!(produced.code, 1);
        let expected = "line 1002: no JSON: EOF while parsing a value at column 5; \
                        the 1000 messages before it were acknowledged";
        assert_eq!(produced.notices, expected);
        assert_eq!(count(&broker, &topic).await, 1_000);

        let skipping = [
            "kafka-produce",
            &topic,
            "--file",
            &file,
            "--skip-bad",
            "--json",
        ];
        let skipped = run(&broker, &skipping).await;
        assert_eq!(skipped.code, 0, "{skipped:?}");
        assert_eq!(skipped.json()["acknowledged"], 1_001);
        assert_eq!(skipped.json()["skipped"], 1);
        assert!(
            skipped.notices.starts_with("skipped line 1002: no JSON"),
            "{skipped:?}"
        );
        assert_eq!(count(&broker, &topic).await, 2_001);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_header_are_key_and_value_as_they_stand() {
    let directory = tempfile::tempdir().expect("a directory");
    let text =
        "user123,Order placed for 2 items\nuser456,\"Order, placed\"\nuser123,Payment received\n";
    let file = write(directory.path(), "orders.csv", text);
    for broker in brokers().await {
        let topic = unique("orders");
        let produce = ["kafka-produce", &topic, "--file", &file, "--no-header"];
        let rest = ["--partition", "0", "-H", "from=file"];
        let produced = run(&broker, &[&produce[..], &rest].concat()).await;
        let line = format!("produced 3 messages to {topic} in ");
        assert!(produced.output.starts_with(&line), "{produced:?}");
        let messages = tail(&broker, &topic, 3).await;
        assert_eq!(messages[1]["key"], "user456");
        assert_eq!(messages[1]["value"], "Order, placed");
        assert_eq!(messages[2]["value"], "Payment received");
        assert_eq!(messages[2]["headers"][0]["value"], "file");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_refused_is_told_by_its_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = write(directory.path(), "orders.csv", "id\n1\n\n2\n");
    for broker in brokers().await {
        let topic = broker.topic(1).await;
        let produce = [
            "kafka-produce",
            &topic,
            "--file",
            &file,
            "--partition",
            "77",
        ];
        let produced = run(&broker, &produce).await;
        assert_eq!(produced.code, 1, "{produced:?}");
        assert!(produced.notices.contains("line 2: "), "{produced:?}");
        assert!(produced.notices.contains("no partition 77"), "{produced:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_can_not_be_used_say_why() {
    let directory = tempfile::tempdir().expect("a directory");
    let csv = write(directory.path(), "orders.csv", "id,customer\n1,ann\n");
    let txt = write(directory.path(), "orders.txt", "");
    let missing = directory.path().join("none.csv").display().to_string();
    let broker = &brokers().await[0];
    for (rest, code, word) in [
        (&["--file", &txt][..], 2, "--format"),
        (
            &["--file", &txt, "--format", "jsonl", "--typed"],
            2,
            "for CSV",
        ),
        (&["--file", &missing], 1, "none.csv"),
        (
            &[
                "--file",
                &directory.path().display().to_string(),
                "--format",
                "csv",
            ],
            1,
            "directory",
        ),
        (
            &["--file", &csv, "--key-column", "Customer"],
            1,
            "the header has: id, customer",
        ),
        (&["--file", &txt, "--format", "csv"], 1, "no header"),
    ] {
        let produced = run(broker, &[&["kafka-produce", "orders"], rest].concat()).await;
        assert_eq!(produced.code, code, "{produced:?}");
        assert!(produced.notices.contains(word), "{word}: {produced:?}");
    }
}
