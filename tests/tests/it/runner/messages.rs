//! What a hook sees, and from which topics.

use std::sync::{Arc, Mutex};

use kafka_integration::prelude::*;
use kafka_integration_tests::{Probe, Running, TestBroker, eventually, unique};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_sees_key_value_headers_timestamp_and_coordinates() {
    for broker in TestBroker::each("a_hook_sees_key_value_headers_timestamp_and_coordinates") {
        let kafka = broker.kafka();
        let topic = broker.topic("seen").await;
        let sent = Probe::produce_only(&topic)
            .produce(OrTombstone::Value(json!({"sku": "tea"})))
            .key("ann")
            .header("trace", "abc")
            .partition(2)
            .timestamp(Timestamp::from_millis(1_700_000_000_123))
            .on(&kafka)
            .await
            .expect("acknowledged");
        assert_eq!((sent.partition, sent.offset), (2, 0));
        Probe::produce_only(&topic)
            .produce(OrTombstone::Tombstone)
            .key("ann")
            .partition(2)
            .on(&kafka)
            .await
            .expect("acknowledged");

        let seen = Arc::new(Mutex::new(Vec::new()));
        let consumer = ConsumerSpec::new("Seen", unique("seen")).topic(Probe::new(&topic, {
            let seen = Arc::clone(&seen);
            move |message, cx| {
                assert_eq!((cx.attempt(), cx.consumer()), (1, "Seen"));
                seen.lock().expect("not poisoned").push(message);
                async { Ok(()) }
            }
        }));
        let running = Running::start(&kafka, [consumer]);
        eventually("two messages", || {
            seen.lock().expect("not poisoned").len() == 2
        })
        .await;
        running.stop().await;

        let seen = seen.lock().expect("not poisoned");
        let [value, tombstone] = &seen[..] else {
            panic!("two messages")
        };
        assert_eq!(value.topic(), topic);
        assert_eq!((value.partition(), value.offset()), (2, 0));
        assert_eq!(value.key().map(String::as_str), Some("ann"));
        assert_eq!(value.value().value(), Some(&json!({"sku": "tea"})));
        assert_eq!(value.headers().get_str("trace"), Some("abc"));
        assert_eq!(
            value.timestamp(),
            Some(Timestamp::from_millis(1_700_000_000_123))
        );
        assert!(tombstone.value().is_tombstone());
        assert!(tombstone.headers().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_takes_every_topic_it_matches_and_a_name_goes_before_it() {
    for broker in TestBroker::each("a_pattern_takes_every_topic_it_matches") {
        let kafka = broker.kafka();
        let family = unique("family").replace('-', "_");
        let names = ["a", "b", "named"].map(|name| format!("{family}.{name}"));
        for name in &names {
            kafka_integration_tests::create_topic(broker.address(), name, 2).await;
            Probe::produce_only(name)
                .produce(OrTombstone::Value(json!(1)))
                .on(&kafka)
                .await
                .expect("acknowledged");
        }
        let seen = Arc::new(Mutex::new(Vec::new()));
        let hook = |route: &'static str| {
            let seen = Arc::clone(&seen);
            move |message: Message<Probe>, _: Context| {
                let topic = message.topic().to_owned();
                seen.lock().expect("not poisoned").push((route, topic));
                async { Ok(()) }
            }
        };
        let consumer = ConsumerSpec::new("Family", unique("family"))
            .topic(Probe::new(format!("^{family}\\..*"), hook("pattern")))
            .topic(Probe::new(&names[2], hook("name")));
        let running = Running::start(&kafka, [consumer]);
        eventually("a message of each topic", || {
            seen.lock().expect("not poisoned").len() == 3
        })
        .await;
        running.stop().await;
        let mut seen = seen.lock().expect("not poisoned").clone();
        seen.sort();
        let expected = [
            ("name", names[2].clone()),
            ("pattern", names[0].clone()),
            ("pattern", names[1].clone()),
        ];
        assert_eq!(seen, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hook_produces_goes_to_the_cluster_it_runs_on() {
    for broker in TestBroker::each("what_a_hook_produces_goes_to_the_cluster_it_runs_on") {
        let kafka = broker.kafka();
        let (from, to) = (broker.topic("from").await, broker.topic("to").await);
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let forward = ConsumerSpec::new("Forward", unique("forward")).topic(Probe::new(&from, {
            let to = to.clone();
            move |message, _| {
                let to = to.clone();
                async move {
                    // Without `.on(..)`: the runner's own handle is found.
                    Probe::produce_only(to)
                        .produce(message.into_value())
                        .await?;
                    Ok(())
                }
            }
        }));
        let collect = ConsumerSpec::new("Collect", unique("collect")).topic(Probe::new(&to, {
            let arrived = Arc::clone(&arrived);
            move |message, _| {
                let mut arrived = arrived.lock().expect("not poisoned");
                arrived.push(message.into_value());
                async { Ok(()) }
            }
        }));
        let running = Running::start(&kafka, [forward, collect]);
        Probe::produce_only(&from)
            .produce(OrTombstone::Value(json!("on")))
            .on(&kafka)
            .await
            .expect("acknowledged");
        eventually("the message on the other topic", || {
            !arrived.lock().expect("not poisoned").is_empty()
        })
        .await;
        running.stop().await;
    }
}
