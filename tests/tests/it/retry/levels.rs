//! Messages that wait long, next to messages that don't.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration::retry::RetryPolicy;
use kafka_integration_tests::{Running, TestBroker, eventually, unique};

use super::notes::{Notes, send, text};

const HOUR: Duration = Duration::from_secs(3_600);

/// Far more messages wait for an hour than the consumer may have in flight. A
/// message that is due soon comes soon all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_long_holds_up_nothing_that_is_due() {
    const WAITING: usize = 300;
    for broker in TestBroker::each("what_waits_long_holds_up_nothing_that_is_due") {
        let mut settings = broker.settings();
        settings.cluster.max_in_flight = NonZeroUsize::new(50).expect("not 0");
        let kafka = Kafka::builder().settings(settings).build();
        let kafka = kafka.expect("the settings are good");
        let (topic, group) = (broker.topic("waiting").await, unique("waiting"));
        let notes = Notes::default();
        // The first delay is short, the second is an hour.
        let policy = RetryPolicy {
            delay: Duration::from_millis(50),
            factor: 72_000.0,
            max_delay: HOUR,
            jitter: 0.0,
            ..RetryPolicy::times(2)
        };
        let probe = notes.probe(&topic, |seen| match seen.text() {
            "once" if seen.attempt > 1 => Ok(()),
            _ => Err(ConsumeError::new("as asked")),
        });
        let consumer = ConsumerSpec::new("Waiting", &group)
            .topic(probe)
            .retry(policy);
        let running = Running::start(&kafka, [consumer]);
        for number in 0..WAITING {
            let record = text(number as i32 % 4, "a", &format!("twice {number}"));
            send(&kafka, &topic, record).await;
        }
        eventually("all of them waiting for the hour", || {
            notes.count("twice") == 2 * WAITING
        })
        .await;
        for partition in 0..4 {
            send(&kafka, &topic, text(partition, "b", "once")).await;
        }
        eventually("the ones that fail once", || {
            let attempts = notes.attempts("once");
            attempts.iter().filter(|attempt| **attempt == 2).count() == 4
        })
        .await;
        assert_eq!(notes.count("twice"), 2 * WAITING, "the hour is not over");
        running.stop().await;
    }
}

/// Those that had to stay with the broker meanwhile come too, each once, and
/// none before its time.
#[tokio::test(flavor = "multi_thread")]
async fn more_than_may_be_in_flight_wait_and_all_come() {
    const WAITING: usize = 300;
    for broker in TestBroker::each("more_than_may_be_in_flight_wait_and_all_come") {
        let mut settings = broker.settings();
        settings.cluster.max_in_flight = NonZeroUsize::new(100).expect("not 0");
        let kafka = Kafka::builder().settings(settings).build();
        let kafka = kafka.expect("the settings are good");
        let (topic, group) = (broker.topic("many").await, unique("many"));
        let notes = Notes::default();
        let delay = Duration::from_secs(3);
        let waited: Arc<Mutex<Vec<i64>>> = Arc::default();
        let noted = Arc::clone(&waited);
        let probe = notes.probe(&topic, move |seen| {
            let Some(first) = seen.first_failure else {
                return Err(ConsumeError::new("as asked"));
            };
            let millis = Timestamp::now().as_millis() - first.as_millis();
            noted.lock().expect("not poisoned").push(millis);
            Ok(())
        });
        let consumer = ConsumerSpec::new("Many", &group)
            .topic(probe)
            .retry(RetryPolicy {
                delay,
                jitter: 0.0,
                ..RetryPolicy::times(1)
            });
        for number in 0..WAITING {
            let record = text(number as i32 % 4, "a", &format!("once {number}"));
            send(&kafka, &topic, record).await;
        }
        let running = Running::start(&kafka, [consumer]);
        eventually("each of them again", || notes.count("once") >= 2 * WAITING).await;
        running.stop().await;
        for number in 0..WAITING {
            assert_eq!(notes.attempts(&format!("once {number}")), [1, 2]);
        }
        let waited = waited.lock().expect("not poisoned");
        let early = waited.iter().min().expect("they were handled");
        assert!(*early >= delay.as_millis() as i64, "after {early} ms");
    }
}

/// Within one retry topic too: an error that says when to come back can make
/// messages due in another order than they moved in.
#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_retry_topic_come_when_each_is_due() {
    for broker in TestBroker::each("messages_of_a_retry_topic_come_when_each_is_due") {
        let kafka = broker.kafka();
        let (topic, group) = (broker.topic("due").await, unique("due"));
        let notes = Notes::default();
        let probe = notes.probe(&topic, |seen| {
            let error = ConsumeError::new("as asked");
            match (seen.text(), seen.attempt) {
                ("late", _) => Err(error.retry_after(HOUR)),
                ("soon", 1) => Err(error.retry_after(Duration::from_millis(50))),
                _ => Ok(()),
            }
        });
        let consumer = ConsumerSpec::new("Due", &group)
            .topic(probe)
            .retry(RetryPolicy::times(5));
        let running = Running::start(&kafka, [consumer]);
        for it in ["late", "soon"] {
            send(&kafka, &topic, text(0, "a", it)).await;
        }
        eventually("the one that is due", || notes.attempts("soon") == [1, 2]).await;
        assert_eq!(notes.attempts("late"), [1]);
        running.stop().await;
    }
}
