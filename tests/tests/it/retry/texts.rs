//! What is asked of the application on the way: an error's text, a topic's name.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration_tests::{Running, TestBroker, eventually, unique};
use serde_json::Value;

use super::notes::{Notes, committed, dead_letters, logged, quick, send, text, text_of, trail};

/// An error that panics when it is asked for its text.
#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("as asked")
    }
}

impl Error for Unspeakable {}

/// The message "bad" has become a dead letter, with a text all the same.
async fn is_dead(address: &str, group: &str, topic: &str) {
    let letters = logged(address, &dead_letters(group, topic), 1).await;
    assert_eq!(text_of(&letters[0]), "bad");
    let trail = trail(&letters[0]);
    assert_eq!((&*trail.reason, trail.attempts), ("terminal", 1));
    assert!(trail.error.text.contains("panics"), "{:?}", trail.error);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_whose_text_panics_fails_its_message_alone() {
    for broker in TestBroker::each("an_error_whose_text_panics") {
        let (kafka, notes) = (broker.kafka(), Notes::default());
        let (topic, group) = (broker.topic("texts").await, unique("texts"));
        let probe = notes.probe(&topic, |seen| match seen.text() {
            "bad" => Err(ConsumeError::from(Unspeakable).terminal()),
            _ => Ok(()),
        });
        for it in ["bad", "after"] {
            send(&kafka, &topic, text(0, "k", it)).await;
        }
        let consumer = ConsumerSpec::new("Texts", &group).topic(probe);
        let running = Running::start(&kafka, [consumer]);
        is_dead(broker.address(), &group, &topic).await;
        eventually("what is behind it", || notes.count("after") == 1).await;
        let done = || committed(broker.address(), &group, &topic, 0);
        eventually("the commit of both", || done() == 2).await;
        running.stop().await;
        assert_eq!(notes.attempts("bad"), [1]);
    }
}

/// Fails every batch with the message "bad" in it.
struct Batches {
    name: String,
    handled: Arc<AtomicUsize>,
}

impl Topic for Batches {
    type Key = String;
    type Value = Value;
    type Codec = Json;

    fn name(&self) -> &str {
        &self.name
    }

    fn batch(&self) -> BatchPolicy {
        BatchPolicy {
            min: 1,
            max: 10,
            linger: Duration::from_millis(50),
        }
    }
}

impl Consume<Batch<Self>> for Batches {
    async fn consume(&self, batch: Batch<Self>, _: &Context) -> Result<(), BatchError> {
        if batch.iter().any(|message| message.value() == "bad") {
            return Err(ConsumeError::from(Unspeakable).terminal().into());
        }
        self.handled.fetch_add(batch.len(), Atomic::Relaxed);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_whose_text_panics_fails_its_batch_alone() {
    for broker in TestBroker::each("an_error_whose_text_panics_fails_its_batch") {
        let kafka = broker.kafka();
        let (topic, group) = (broker.topic("texts").await, unique("texts"));
        let handled = Arc::<AtomicUsize>::default();
        let batches = Batches {
            name: topic.clone(),
            handled: Arc::clone(&handled),
        };
        send(&kafka, &topic, text(0, "k", "bad")).await;
        let consumer = ConsumerSpec::new("Texts", &group).topic(batches);
        let running = Running::start(&kafka, [consumer]);
        // Of a batch of its own.
        is_dead(broker.address(), &group, &topic).await;
        send(&kafka, &topic, text(0, "k", "after")).await;
        let after = || handled.load(Atomic::Relaxed) == 1;
        eventually("the next batch", after).await;
        let done = || committed(broker.address(), &group, &topic, 0);
        eventually("the commit of both", || done() == 2).await;
        running.stop().await;
    }
}

/// A pattern that matches the topic too, and was declared first, gets neither its
/// messages nor its retries.
#[tokio::test(flavor = "multi_thread")]
async fn retries_of_a_named_topic_come_back_to_it() {
    for broker in TestBroker::each("retries_of_a_named_topic_come_back_to_it") {
        let kafka = broker.kafka();
        let (topic, group) = (broker.topic("named").await, unique("named"));
        let (by_name, by_pattern) = (Notes::default(), Notes::default());
        let pattern = by_pattern.probe(&format!("^{topic}.*"), |_| Ok(()));
        let named = by_name.probe(&topic, |seen| match seen.attempt {
            1 => Err(ConsumeError::new("as asked")),
            _ => Ok(()),
        });
        send(&kafka, &topic, text(0, "k", "it")).await;
        let consumer = ConsumerSpec::new("Named", &group)
            .topic(pattern)
            .topic(named)
            .retry(quick(1));
        let running = Running::start(&kafka, [consumer]);
        eventually("two attempts", || {
            by_name.all().len() + by_pattern.all().len() >= 2
        })
        .await;
        running.stop().await;
        assert_eq!(by_name.attempts("it"), [1, 2]);
        assert_eq!(by_pattern.all().len(), 0);
    }
}
