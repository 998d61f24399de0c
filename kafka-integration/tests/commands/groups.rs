use crate::support::*;

async fn produce(broker: &Broker, topic: &str, values: &[&str]) {
    for value in values {
        let produce = ["kafka-produce", topic, "--value", value, "--partition", "0"];
        assert_eq!(run(broker, &produce).await.code, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_commits_what_was_printed_and_no_more() {
    for broker in brokers().await {
        let topic = broker.topic(1).await;
        produce(&broker, &topic, &["second", "third", "fourth"]).await;
        let group = unique("audit");
        let tail = [
            "kafka-tail",
            &topic,
            "--group",
            &group,
            "--max",
            "3",
            "--json",
        ];
        let first = run(&broker, &tail).await;
        assert_eq!(first.json_lines().len(), 3, "{first:?}");

        let lag = run(&broker, &["kafka-lag", "--group", &group, "--json"]).await;
        let partition = lag.json()[0]["partitions"][0].clone();
        assert_eq!(partition["committed"], 3, "{lag:?}");
        assert_eq!(partition["end"], 4);
        assert_eq!(partition["done_above"], 0);
        assert_eq!(lag.json()[0]["lag"], 1);

        let rest = [
            "kafka-tail",
            &topic,
            "--group",
            &group,
            "--max",
            "1",
            "--json",
        ];
        let second = run(&broker, &rest).await;
        assert_eq!(second.json_lines()[0]["value"], "fourth");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_group_nothing_is_committed() {
    for broker in brokers().await {
        let topic = broker.topic(1).await;
        let tail = ["kafka-tail", &topic, "--from", "beginning", "--max", "1"];
        assert_eq!(run(&broker, &tail).await.code, 0);
        let group = format!("kafka-tail-{}", std::process::id());
        let lag = run(&broker, &["kafka-lag", "--group", &group]).await;
        assert!(lag.output.contains("it has committed nowhere"), "{lag:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_goes_on_where_it_is_and_can_not_be_sent_elsewhere() {
    let broker = &brokers().await[0];
    for from in ["5", "-5", "10min"] {
        let tail = ["kafka-tail", "orders", "--group", "audit", "--from", from];
        let tailed = run(broker, &tail).await;
        assert_eq!(tailed.code, 2);
        assert!(tailed.notices.contains("leave out --group"), "{tailed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_of_a_consumer_is_shown_and_what_was_never_committed_is_a_dash() {
    for broker in brokers().await {
        let topic = broker.topic(1).await;
        let group = unique("billing");
        let consumers = registry([
            consumer("Billing", &group, &topic),
            consumer("Empty", &unique("empty"), &unique("nowhere")),
        ]);
        let lag = run_with(&broker, consumers.clone(), &["kafka-lag"]).await;
        assert_eq!(lag.code, 0, "{lag:?}");
        assert!(
            lag.output
                .contains(&format!("Billing (group {group}): lag 0")),
            "{lag:?}"
        );
        let row = lag.output.lines().find(|line| line.starts_with(&topic));
        let cells: Vec<_> = row.expect("a row").split_whitespace().collect();
        assert_eq!(cells[1..], ["0", "-", "1", "-", "-"]);
        assert!(
            lag.output.contains("none of its topics exists yet"),
            "{lag:?}"
        );

        let unknown = run_with(&broker, consumers, &["kafka-lag", "Biling"]).await;
        assert_eq!(unknown.code, 2);
        assert!(unknown.notices.contains("Billing, Empty"), "{unknown:?}");
    }
}
