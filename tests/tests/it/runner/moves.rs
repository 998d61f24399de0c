//! Failed messages move, and nothing is lost on the way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration::retry::Trail;
use kafka_integration_tests::{Probe, Running, TestBroker, eventually, unique};
use serde_json::json;

type Letters = Arc<Mutex<Vec<(String, Option<Trail>)>>>;
type Seen = Arc<Mutex<HashMap<String, Vec<u32>>>>;

fn text(message: Message<Probe>) -> String {
    match message.into_value() {
        OrTombstone::Value(value) => value.as_str().unwrap_or_default().to_owned(),
        OrTombstone::Tombstone => String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_fails_goes_from_retry_topic_to_retry_topic_and_a_dead_one_to_the_last() {
    for broker in TestBroker::each("moves") {
        let kafka = broker.kafka();
        let topic = broker.topic("moves").await;
        let group = unique("moving");
        let seen = Seen::default();
        let dead = Letters::default();
        let policy = RetryPolicy {
            delay: Duration::from_millis(200),
            ..RetryPolicy::times(2)
        };
        let noted = Arc::clone(&seen);
        let consumer = ConsumerSpec::new("Moving", &group)
            .retry(policy)
            .topic(Probe::new(&topic, move |message, cx| {
                let text = text(message);
                noted
                    .lock()
                    .expect("not poisoned")
                    .entry(text.clone())
                    .or_default()
                    .push(cx.attempt());
                async move {
                    match text.as_str() {
                        "twice" if cx.attempt() <= 2 => Err(ConsumeError::new("not yet")),
                        "always" => Err(ConsumeError::new("never")),
                        "terminal" => Err(ConsumeError::new("no").terminal()),
                        _ => Ok(()),
                    }
                }
            }));
        let letters = Arc::clone(&dead);
        let reader = ConsumerSpec::new("Dead", unique("dead")).topic(Probe::new(
            format!("{group}.{topic}.dlt"),
            move |message, _| {
                let trail = Trail::of(message.headers());
                let letter = (text(message), trail);
                letters.lock().expect("not poisoned").push(letter);
                async { Ok(()) }
            },
        ));
        for value in ["twice", "fine", "always", "terminal", "last"] {
            Probe::produce_only(&topic)
                .produce(OrTombstone::Value(json!(value)))
                .key("a")
                .on(&kafka)
                .await
                .expect("acknowledged");
        }
        let running = Running::start(&kafka, [consumer, reader]);
        eventually("two dead letters and the attempts", || {
            let attempts = seen.lock().expect("not poisoned");
            dead.lock().expect("not poisoned").len() == 2
                && attempts.get("twice").is_some_and(|a| a.len() == 3)
                && attempts.contains_key("last")
        })
        .await;
        running.stop().await;
        let seen = seen.lock().expect("not poisoned");
        assert_eq!(seen["twice"], [1, 2, 3]);
        assert_eq!(seen["always"], [1, 2, 3]);
        assert_eq!(seen["terminal"], [1]);
        assert_eq!(seen["fine"], [1]);
        let mut dead = dead.lock().expect("not poisoned").clone();
        dead.sort_by(|a, b| a.0.cmp(&b.0));
        let (always, terminal) = (dead[0].1.as_ref(), dead[1].1.as_ref());
        let (always, terminal) = (always.expect("a trail"), terminal.expect("a trail"));
        assert_eq!((always.attempts, &*always.reason), (3, "exhausted"));
        assert_eq!((terminal.attempts, &*terminal.reason), (1, "terminal"));
        assert_eq!(always.original.topic, topic);
        assert!(always.last_failure > always.first_failure);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_long_takes_no_room_from_what_is_due_sooner() {
    const MANY: usize = 400;
    for broker in TestBroker::each("what_waits_for_long") {
        let kafka = broker.kafka_with(|cluster| {
            cluster.max_in_flight = 64.try_into().expect("not zero");
        });
        let topic = broker.topic("waits").await;
        let seen = Seen::default();
        let noted = Arc::clone(&seen);
        let consumer = ConsumerSpec::new("Waiting", unique("waiting"))
            .retry(RetryPolicy {
                delay: Duration::from_millis(100),
                ..RetryPolicy::times(1)
            })
            .topic(Probe::new(&topic, move |message, cx| {
                let text = text(message);
                let mut seen = noted.lock().expect("not poisoned");
                seen.entry(text.clone()).or_default().push(cx.attempt());
                drop(seen);
                async move {
                    match (cx.attempt(), text.starts_with("slow")) {
                        (1, true) => {
                            let error = ConsumeError::new("not yet");
                            Err(error.retry_after(Duration::from_secs(6)))
                        }
                        (1, false) => Err(ConsumeError::new("not yet")),
                        _ => Ok(()),
                    }
                }
            }));
        let slow = (0..MANY).map(|number| format!("slow {number}"));
        for text in slow.chain(["quick".to_owned()]) {
            Probe::produce_only(&topic)
                .produce(OrTombstone::Value(json!(text)))
                .partition(i32::from(text == "quick"))
                .on(&kafka)
                .await
                .expect("acknowledged");
        }
        let running = Running::start(&kafka, [consumer]);
        let twice = |text: &str| {
            let seen = seen.lock().expect("not poisoned");
            seen.get(text).is_some_and(|attempts| *attempts == [1, 2])
        };
        eventually("the quick one", || twice("quick")).await;
        let slow = || (0..MANY).filter(|n| twice(&format!("slow {n}"))).count();
        assert_eq!(slow(), 0, "they wait, and did not hold it up");
        eventually("the slow ones", || slow() == MANY).await;
        let status = running.status.consumers();
        let retry = status.iter().find(|c| c.name == "Waiting.retry");
        assert!(retry.expect("the retry side").pauses > 0, "{status:?}");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_stand_in_the_order_of_their_messages() {
    const MANY: usize = 2_000;
    for broker in TestBroker::each("dead_letters_stand_in_order") {
        let kafka = broker.kafka();
        let topic = broker.topic("order").await;
        let group = unique("order");
        let values = (0..MANY).map(|number| {
            let value = OrTombstone::Value(json!(number.to_string()));
            kafka_integration::producer::Record::<Probe>::new(value).key("one".to_owned())
        });
        Probe::produce_only(&topic)
            .produce_batch(values)
            .on(&kafka)
            .await
            .expect("acknowledged");
        let failing = Probe::new(&topic, |_, _| async {
            Err(ConsumeError::new("no").terminal())
        });
        let failing = ConsumerSpec::new("Failing", &group).topic(failing);
        let read: Arc<Mutex<Vec<usize>>> = Arc::default();
        let notes = Arc::clone(&read);
        let letters = Probe::new(format!("{group}.{topic}.dlt"), move |message, _| {
            let number = text(message).parse().expect("a number");
            notes.lock().expect("not poisoned").push(number);
            async { Ok(()) }
        });
        let letters = ConsumerSpec::new("Letters", unique("letters")).topic(letters);
        let running = Running::start(&kafka, [failing, letters]);
        eventually("all dead letters", || {
            read.lock().expect("not poisoned").len() == MANY
        })
        .await;
        running.stop().await;
        let read = read.lock().expect("not poisoned");
        assert!(read.is_sorted(), "{read:?}");
    }
}
