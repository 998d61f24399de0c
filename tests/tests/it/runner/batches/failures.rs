//! What fails in a batch, and what becomes of the rest.

use std::collections::HashMap;

use kafka_integration::retry::Trail;
use kafka_integration_tests::{Running, eventually};

use super::*;

/// Its bytes and its history.
type Letter = (Vec<u8>, Option<Trail>);

/// The dead letters of a group, read from their topic.
#[derive(Clone, Default)]
struct DeadLetters(Arc<Mutex<Vec<Letter>>>);

struct Letters {
    name: String,
    letters: DeadLetters,
}

impl Topic for Letters {
    type Key = String;
    type Value = Vec<u8>;
    type Codec = kafka_integration::codec::Bytes;

    fn name(&self) -> &str {
        &self.name
    }
}

impl Consume for Letters {
    async fn consume(&self, message: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        let trail = Trail::of(message.headers());
        let letter = (message.into_value(), trail);
        self.letters.0.lock().expect("not poisoned").push(letter);
        Ok(())
    }
}

impl DeadLetters {
    fn reader(&self, of: &ConsumerSpec, topic: &str) -> ConsumerSpec {
        ConsumerSpec::new("Letters", unique("letters"))
            .config("auto.offset.reset", "earliest")
            .config("topic.metadata.refresh.interval.ms", "500")
            .topic(Letters {
                name: format!("{}.{topic}.dlt", of.group_id),
                letters: self.clone(),
            })
    }

    fn all(&self) -> Vec<Letter> {
        self.0.lock().expect("not poisoned").clone()
    }
}

#[derive(Clone, Copy)]
enum Bad {
    /// Says which message failed.
    ByIndex,
    /// Fails the whole batch.
    Whole,
    Panics,
}

/// Handles a hundred messages of which number 37 always fails; returns how often
/// each took effect, and the dead letters.
async fn hundred(
    broker: &TestBroker,
    bad: Bad,
    retry: RetryPolicy,
) -> (HashMap<i64, u32>, Vec<Letter>, Vec<Vec<i64>>) {
    let (kafka, topic) = (broker.kafka(), broker.topic("hundred").await);
    produce(&kafka, &topic, 0..100).await;
    let effects: Arc<Mutex<HashMap<i64, u32>>> = Arc::default();
    let (doing, handled) = (Arc::clone(&effects), Handled::default());
    let noting = handled.clone();
    let stamps = Stamps::new(
        &topic,
        policy(100, 100, Duration::from_secs(2)),
        move |batch, _| {
            let effects = Arc::clone(&doing);
            noting.note(&batch);
            Box::pin(async move {
                let index = batch.iter().position(|message| number(message) == 37);
                match (bad, index) {
                    (Bad::Whole, Some(_)) => return Err(BatchError::new("one of you")),
                    (Bad::Panics, Some(_)) => panic!("one of you"),
                    _ => {}
                }
                let mut failures = BatchFailures::new();
                let mut effects = effects.lock().expect("not poisoned");
                for (index, message) in batch.iter().enumerate() {
                    match number(message) {
                        37 => failures.push(index, ConsumeError::new("not this one")),
                        number => *effects.entry(number).or_default() += 1,
                    }
                }
                failures.into_result()
            })
        },
    );
    let consumer = consumer(stamps).retry(retry);
    let letters = DeadLetters::default();
    let reader = letters.reader(&consumer, &topic);
    let running = Running::start(&kafka, [consumer, reader]);
    eventually("the effects and the dead letter", || {
        effects.lock().expect("not poisoned").len() == 99 && !letters.all().is_empty()
    })
    .await;
    running.stop().await;
    let effects = effects.lock().expect("not poisoned").clone();
    let batches = handled.batches().into_iter().map(|b| b.numbers).collect();
    (effects, letters.all(), batches)
}

fn twice(blocking: bool) -> RetryPolicy {
    RetryPolicy {
        delay: Duration::from_millis(200),
        factor: 1.0,
        blocking: Some(blocking),
        ..RetryPolicy::times(2)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_number_37_fails_one_dead_letter_and_99_effects_once_each() {
    for broker in TestBroker::each("of_a_hundred_number_37_fails") {
        for blocking in [true, false] {
            let (effects, dead, batches) = hundred(&broker, Bad::ByIndex, twice(blocking)).await;
            assert_eq!(batches[0].len(), 100);
            assert_eq!(effects.len(), 99);
            assert!(effects.values().all(|times| *times == 1), "{effects:?}");
            assert_eq!(batches.iter().filter(|b| b.contains(&37)).count(), 3);
            assert_eq!(dead.len(), 1);
            let trail = dead[0].1.as_ref().expect("a trail");
            assert_eq!((trail.attempts, &*trail.reason), (3, "exhausted"));
            assert_eq!(dead[0].0, br#"{"number":37}"#);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_fail_for_one_only_that_one_is_a_dead_letter() {
    for broker in TestBroker::each("when_all_fail_for_one") {
        for (bad, class) in [(Bad::Whole, "text"), (Bad::Panics, "panic")] {
            for blocking in [true, false] {
                let (effects, dead, batches) = hundred(&broker, bad, twice(blocking)).await;
                assert!(effects.values().all(|times| *times == 1), "{effects:?}");
                assert_eq!((effects.len(), dead.len()), (99, 1));
                let trail = dead[0].1.as_ref().expect("a trail");
                assert_eq!((&*trail.reason, &*trail.error.class), ("exhausted", class));
                assert!(batches.contains(&vec![37]), "the last attempt is alone");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_decoded_or_asked_is_no_part_of_a_batch() {
    for broker in TestBroker::each("what_can_t_be_decoded_or_asked") {
        let (kafka, topic) = (broker.kafka(), broker.topic("undecodable").await);
        let handled = Handled::default();
        let stamps = handled.topic(&topic, policy(4, 4, LONG));
        let consumer = consumer(stamps).retry(RetryPolicy::times(0));
        let letters = DeadLetters::default();
        let reader = letters.reader(&consumer, &topic);
        let raw = Letters {
            name: topic.clone(),
            letters: letters.clone(),
        };
        let running = Running::start(&kafka, [consumer, reader]);
        let garbage = b"no json \xff".to_vec();
        let produced = raw.produce(garbage.clone()).key("k").on(&kafka).await;
        produced.expect("acknowledged");
        eventually("a dead letter", || letters.all().len() == 1).await;
        produce(&kafka, &topic, 0..2).await;
        produce_due(&kafka, &topic, 7, json!("panic")).await;
        produce(&kafka, &topic, 2..4).await;
        eventually("the batch and two dead letters", || {
            handled.numbers() == [0, 1, 2, 3] && letters.all().len() == 2
        })
        .await;
        running.stop().await;
        assert_eq!(handled.batches().len(), 1);
        let class = |(_, trail): &Letter| trail.as_ref().map(|t| t.error.class.clone());
        let dead = letters.all();
        let undecodable = dead
            .iter()
            .find(|l| class(l).as_deref() == Some("undecodable"));
        assert_eq!(undecodable.expect("one").0, garbage, "bytes are unchanged");
        assert!(dead.iter().any(|l| class(l).as_deref() == Some("panic")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_message_comes_back_in_time_and_knows_its_past() {
    for broker in TestBroker::each("a_failed_message_comes_back_in_time") {
        let (kafka, topic) = (broker.kafka(), broker.topic("past").await);
        produce(&kafka, &topic, 0..5).await;
        type Attempts = Arc<Mutex<Vec<(i64, u32, u32, bool, i64)>>>;
        let attempts = Attempts::default();
        let noting = Arc::clone(&attempts);
        let began = Instant::now();
        let stamps = Stamps::new(&topic, policy(5, 5, LONG), move |batch, cx| {
            let mut failures = BatchFailures::new();
            for (index, message) in batch.iter().enumerate() {
                let attempt = batch.attempt(index).expect("it is there");
                let original = batch.original(index).expect("it is there");
                assert_eq!(batch.first_failure(index).is_some(), attempt > 1);
                noting.lock().expect("not poisoned").push((
                    number(message),
                    attempt,
                    cx.attempt(),
                    original.offset == message.offset(),
                    began.elapsed().as_millis() as i64,
                ));
                if number(message) == 3 && attempt < 3 {
                    failures.push(index, ConsumeError::new("not yet"));
                }
            }
            Box::pin(async { failures.into_result() })
        });
        let policy = RetryPolicy {
            delay: Duration::from_millis(600),
            factor: 1.0,
            jitter: 0.0,
            blocking: Some(true),
            ..RetryPolicy::default()
        };
        let running = Running::start(&kafka, [consumer(stamps).retry(policy)]);
        eventually("three attempts", || {
            attempts.lock().expect("not poisoned").len() == 7
        })
        .await;
        running.stop().await;
        let attempts = attempts.lock().expect("not poisoned");
        let third: Vec<_> = attempts.iter().filter(|a| a.0 == 3).collect();
        assert_eq!(
            third.iter().map(|a| (a.1, a.2)).collect::<Vec<_>>(),
            [(1, 1), (2, 2), (3, 3)]
        );
        assert!(
            attempts.iter().all(|a| a.3),
            "the original is where it stands"
        );
        for pair in third.windows(2) {
            let waited = pair[1].4 - pair[0].4;
            assert!(
                (600..1_500).contains(&waited),
                "tried again after {waited} ms"
            );
        }
    }
}
