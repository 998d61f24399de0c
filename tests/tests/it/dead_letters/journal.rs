//! Journals that don't belong to their topic, or can't be read.

use std::time::{Duration, Instant};

use kafka_integration::message::Timestamp;
use kafka_integration::retry::Trail;
use kafka_integration::retry::dead::{DeadLetterError, DeadLetters, Redrive, Watch};
use kafka_integration_tests::{PARTITIONS, TestBroker, create_topic, delete_topic};
use rdkafka::producer::Producer as _;
use serde_json::Value;

use super::scene::{PATIENCE, Record, Scene, original, producer, send, told};

/// Deletes the dead letters and makes their topic again, with these numbers; the
/// journal of the 40 that were there and were redriven is left.
async fn made_again(broker: &TestBroker, test: &str, numbers: std::ops::Range<i64>) -> Scene {
    let scene = Scene::on(broker, test).await;
    scene.bury((0..40).map(|number| (number, "shop::Declined")));
    let letters = scene.letters().await;
    let done = letters.redrive(&Redrive::default(), &Watch::new()).await;
    assert_eq!(done.expect("they go").letters, 40);
    delete_topic(&scene.address, &scene.dead).await;
    // Kafka deletes in its own time.
    let until = Instant::now() + PATIENCE;
    while DeadLetters::open(&scene.kafka(), None, &scene.dead)
        .await
        .is_ok()
    {
        assert!(Instant::now() < until, "it is not deleted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    create_topic(&scene.address, &scene.dead, PARTITIONS).await;
    scene.bury(numbers.map(|number| (number, "shop::Declined")));
    scene
}

/// Nothing is moved, and what is to be done is said.
async fn is_refused(scene: &Scene, said: &str) {
    let letters = scene.letters().await;
    let done = letters.redrive(&Redrive::default(), &Watch::new()).await;
    let error = done.expect_err("it is not this topic's");
    assert!(
        matches!(error, DeadLetterError::ForeignJournal { .. }),
        "{error}"
    );
    let error = error.to_string();
    for said in [said, &letters.journal(), "delete the journal's topic"] {
        assert!(error.contains(said), "{error}");
    }
    let list = scene.command(&["kafka-dlt", "list", "--json"]).output();
    let (listed, code) = told(list.expect("it runs"));
    assert_eq!(code, 1, "{listed}");
    assert!(listed.contains("earlier topic"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_an_earlier_topic_is_refused() {
    for broker in TestBroker::each("a_journal_of_an_earlier_topic_is_refused") {
        let scene = made_again(&broker, "journal", 0..1).await;
        is_refused(&scene, "which ends at").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_an_earlier_topic_with_fewer_dead_letters_is_refused() {
    for broker in TestBroker::each("a_journal_of_an_earlier_topic_with_fewer") {
        // They failed after the 40, and long before those were redriven.
        let scene = made_again(&broker, "fewer", 40..100).await;
        is_refused(&scene, "failed after it was settled").await;
        delete_topic(&scene.address, &format!("{}.journal", scene.dead)).await;
        let letters = scene.letters().await;
        let until = Instant::now() + PATIENCE;
        let summary = loop {
            // Kafka deletes in its own time.
            match letters.summary(&Watch::new()).await {
                Ok(summary) => break summary,
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
        };
        assert_eq!((summary.open, summary.redriven), (60, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_in_the_future_of_this_machine_are_settled_all_the_same() {
    let broker = TestBroker::embedded();
    let scene = Scene::on(&broker, "future").await;
    // As the clocks of others may have it.
    scene.bury_with((0..8).map(|number| {
        let trail = scene.trail(number, "shop::Declined");
        let tomorrow = Timestamp::now().as_millis() + 86_400_000 + number;
        let last_failure = Timestamp::from_millis(tomorrow);
        (
            number,
            Trail {
                last_failure,
                ..trail
            },
        )
    }));
    let letters = scene.letters().await;
    let done = letters.redrive(&Redrive::default(), &Watch::new()).await;
    assert_eq!(done.expect("they go").letters, 8);
    let done = letters.redrive(&Redrive::default(), &Watch::new()).await;
    assert_eq!(done.expect("nothing is left").letters, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_journal_hides_no_other_topic() {
    let broker = TestBroker::embedded();
    let garbage = [
        "hello",
        r#"{"version":1,"action":"redrive","partitions":{"0":[[-9223372036854775808,9223372036854775807]]},"at_ms":1,"by":""}"#,
    ];
    for (test, garbage) in ["first", "second"].into_iter().zip(garbage) {
        let broken = Scene::on(&broker, test).await;
        broken.bury((0..4).map(|number| (number, "shop::Declined")));
        let journal = format!("{}.journal", broken.dead);
        create_topic(&broken.address, &journal, 1).await;
        let producer = producer(&broken.address);
        let record = Record {
            value: Some(garbage.into()),
            ..original(0)
        };
        send(&producer, &journal, &record);
        producer.flush(PATIENCE).expect("it is acknowledged");
    }
    let good = Scene::on(&broker, "good").await;
    good.bury((0..4).map(|number| (number, "shop::Declined")));
    let list = |arguments: &[&str]| {
        let all = [&["kafka-dlt", "list", "--all"], arguments].concat();
        good.command(&all).output().expect("it runs")
    };
    let (table, code) = told(list(&[]));
    assert_eq!(code, 1, "{table}");
    let marked = table.lines().filter(|line| line.contains("see below"));
    assert_eq!(marked.count(), 2, "{table}");
    for said in ["shop::Declined: 4", "can't be used", "at offset 0"] {
        assert!(table.contains(said), "`{said}` in {table}");
    }
    let listed: Value = serde_json::from_slice(&list(&["--json"]).stdout).expect("JSON");
    let listed = listed.as_array().expect("a list");
    let broken = listed.iter().filter(|it| it["problem"].is_string());
    assert_eq!((listed.len(), broken.count()), (3, 2), "{listed:?}");
    let ours = listed.iter().find(|it| it["topic"] == good.dead);
    assert_eq!(ours.expect("it is listed")["open"], 4);
}
