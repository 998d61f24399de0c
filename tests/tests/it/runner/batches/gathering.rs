//! When a batch goes, and with what.

use kafka_integration_tests::{Running, eventually};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn under_load_batches_have_min_to_max_messages_of_all_partitions() {
    const MESSAGES: i64 = 3_000;
    for broker in TestBroker::each("under_load_batches_have_min_to_max") {
        let (kafka, topic) = (broker.kafka(), broker.topic("load").await);
        produce(&kafka, &topic, 0..MESSAGES).await;
        let handled = Handled::default();
        let linger = Duration::from_secs(2);
        let stamps = handled.topic(&topic, policy(50, 80, linger));
        let running = Running::start(&kafka, [consumer(stamps).concurrency(3)]);
        eventually("all messages", || {
            handled.numbers().len() == MESSAGES as usize
        })
        .await;
        running.stop().await;
        assert_eq!(handled.numbers(), (0..MESSAGES).collect::<Vec<_>>());
        let batches = handled.batches();
        assert!(batches.iter().all(|b| b.numbers.len() <= 80), "above max");
        // What is left at the end goes when it has lingered.
        let small = batches.iter().filter(|b| b.numbers.len() < 50).count();
        assert!(small <= 2, "{small} of {} were below min", batches.len());
        let mixed = |b: &Done| b.partitions.iter().any(|p| *p != b.partitions[0]);
        assert!(batches.iter().any(mixed), "no batch of several partitions");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_trickle_a_batch_goes_when_its_first_message_has_lingered() {
    for broker in TestBroker::each("on_a_trickle_a_batch_goes") {
        let (kafka, topic) = (broker.kafka(), broker.topic("trickle").await);
        let handled = Handled::default();
        let linger = Duration::from_millis(1_500);
        let stamps = handled.topic(&topic, policy(100, 100, linger));
        let running = Running::start(&kafka, [consumer(stamps)]);
        let produced = Timestamp::now();
        for number in 0..3 {
            produce(&kafka, &topic, number..number + 1).await;
        }
        eventually("the messages", || handled.numbers() == [0, 1, 2]).await;
        running.stop().await;
        let batches = handled.batches();
        assert_eq!(batches.len(), 1, "they did not wait for each other");
        let waited = batches[0].at.as_millis() - produced.as_millis();
        assert!(waited >= 1_500, "gone after {waited} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_when_a_message_is_due_and_takes_the_others_along() {
    for broker in TestBroker::each("a_batch_goes_when_a_message_is_due") {
        let (kafka, topic) = (broker.kafka(), broker.topic("due").await);
        let handled = Handled::default();
        let stamps = handled.topic(&topic, policy(10, 10, Duration::from_millis(10)));
        let running = Running::start(&kafka, [consumer(stamps)]);
        // The consumer is at work before its time is taken.
        produce_due(&kafka, &topic, 0, json!(0)).await;
        eventually("one that is due already", || handled.numbers() == [0]).await;
        produce_due(&kafka, &topic, 1, json!(3_600_000)).await;
        let produced = produce_due(&kafka, &topic, 2, json!(1_200)).await;
        eventually("those that wait", || handled.numbers() == [0, 1, 2]).await;
        running.stop().await;
        let batches = handled.batches();
        assert_eq!(batches[1].numbers.len(), 2);
        let waited = batches[1].at.as_millis() - produced.as_millis();
        assert!((1_200..2_200).contains(&waited), "due after {waited} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nothing_more_can_be_taken_a_batch_goes_with_what_is_there() {
    for broker in TestBroker::each("when_nothing_more_can_be_taken") {
        let topic = broker.topic("room").await;
        let mut settings = broker.settings();
        settings.cluster.max_in_flight = std::num::NonZeroUsize::new(20).expect("not zero");
        let kafka = Kafka::builder().settings(settings).build();
        let kafka = kafka.expect("the settings are good");
        produce(&kafka, &topic, 0..100).await;
        let handled = Handled::default();
        let stamps = handled.topic(&topic, policy(50, 50, LONG));
        let running = Running::start(&kafka, [consumer(stamps)]);
        eventually("most messages", || handled.numbers().len() >= 80).await;
        running.stop().await;
        let most = handled.batches().iter().map(|b| b.numbers.len()).max();
        assert!(most <= Some(20), "{most:?} were in flight");
    }
}

#[tokio::test]
async fn a_policy_that_makes_no_batch_is_refused_at_the_start() {
    let broker = TestBroker::embedded();
    for (min, max, problem) in [(0, 5, "`min` is 0"), (7, 5, "`max` (5) is below `min` (7)")] {
        let stamps = Handled::default().topic("stamps", policy(min, max, LONG));
        let mut registry = Registry::new();
        registry.add(consumer(stamps));
        let errors = registry.validate().expect_err("it is refused");
        let text = errors[0].to_string();
        assert!(text.contains(problem) && text.contains("stamps"), "{text}");
    }
    drop(broker);
}

struct Declared;

#[topic(name = "declared", codec = Json, batch(min = 2, max = 10, linger = "5s"))]
impl Topic for Declared {
    type Key = String;
    type Value = Value;

    fn ready_at(&self, message: &Message<Self>) -> Option<Timestamp> {
        message.timestamp()
    }

    async fn consume(&self, batch: Batch<Self>, _: &Context) -> Result<(), BatchError> {
        match batch.iter().position(|message| message.value().is_null()) {
            Some(index) => Err(BatchError::at(index, ConsumeError::new("null"))),
            None => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_topic_declares_its_batches() {
    assert_eq!(Declared.batch(), policy(2, 10, Duration::from_secs(5)));
    let mut registry = Registry::new();
    registry.add(ConsumerSpec::new("Declared", "declared").topic(Declared));
    registry.validate().expect("it can run");
    let broker = TestBroker::embedded();
    let messages = [json!(1), Value::Null].map(|value| Message::for_test(&Declared, value));
    let cx = Context::for_test(broker.kafka());
    let error = Declared.consume(Batch::for_test(messages), &cx).await;
    let error = error.expect_err("the second is null");
    assert_eq!(error.to_string(), "message 1: null");
}
