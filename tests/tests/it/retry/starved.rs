//! The broker refuses one topic's dead letters: the consumer's other topics, and
//! their retries, go on.

use std::collections::BTreeSet;

use kafka_integration::embedded::{ApiKey, ErrorCode};
use kafka_integration::prelude::*;
use kafka_integration::settings::Settings;
use kafka_integration_tests::{Running, create_topic, eventually, unique};

use super::notes::{Notes, committed, dead_letters, logged, quick, send, text, text_of};
use super::refused::embedded;

/// Refused messages, several times what the consumer may hold.
const REFUSED: usize = 200;
const ROOM: usize = 64;

/// What becomes of that attempt.
type Decide = fn(attempt: u32) -> Result<(), ConsumeError>;

/// All messages of one topic should become dead letters after so many attempts,
/// and are refused. The other topic's message is handled in as many; and when the
/// broker takes the dead letters, each arrives once.
async fn others_go_on(last_attempt: u32, refused: Decide, other: Decide) {
    let broker = embedded().await;
    let address = broker.bootstrap_servers();
    let mut settings = Settings::with_bootstrap_servers(&address);
    settings.cluster.max_in_flight = ROOM.try_into().expect("not zero");
    settings.cluster.producer_config.set("linger.ms", "0");
    let builder = Kafka::builder().settings(settings);
    let kafka = builder.build().expect("the settings are good");
    let (starving, fine, group) = (unique("refused"), unique("fine"), unique("starved"));
    for topic in [&starving, &fine] {
        create_topic(&address, topic, 1).await;
    }
    let target = dead_letters(&group, &starving);
    let on = broker.faults().on(ApiKey::Produce).topic(&target);
    let fault = on.error(ErrorCode::TopicAuthorizationFailed);
    let fault = fault.expect("a fault");
    for number in 0..REFUSED {
        let record = text(0, "k", &format!("bad {number}"));
        send(&kafka, &starving, record).await;
    }
    let notes = Notes::default();
    let consumer = ConsumerSpec::new("Starved", &group)
        .topic(notes.probe(&starving, move |seen| refused(seen.attempt)))
        .topic(notes.probe(&fine, move |seen| other(seen.attempt)))
        .ordering(Ordering::None)
        .retry(quick(1));
    let running = Running::start(&kafka, [consumer]);
    let last_attempts = || {
        let all = notes.all();
        let last = all.iter().filter(|seen| seen.attempt == last_attempt);
        last.count()
    };
    let in_flight = || {
        let all = running.status.consumers();
        all.iter().map(|status| status.in_flight).sum::<usize>()
    };
    let stays = || {
        let all = running.status.consumers();
        all.iter().any(|status| !status.stopped.is_empty())
    };
    eventually("a message that stays", stays).await;
    // They have all the room there is, or keep to little of it.
    eventually("the others to settle", || {
        last_attempts() >= ROOM || in_flight() <= 1
    })
    .await;

    send(&kafka, &fine, text(0, "k", "fine")).await;
    let attempts: Vec<u32> = (1..=last_attempt).collect();
    eventually("the other topic", || notes.attempts("fine") == attempts).await;
    let done = || committed(&address, &group, &fine, 0);
    eventually("its commit", || done() == 1).await;
    assert!(stays() && fault.hits() > 0, "they are refused still");

    fault.lift();
    let letters = logged(&address, &target, REFUSED).await;
    let texts: BTreeSet<String> = letters.iter().map(text_of).collect();
    assert_eq!(texts.len(), REFUSED, "each of them once");
    let done = || committed(&address, &group, &starving, 0);
    eventually("their commit", || done() == REFUSED as i64).await;
    eventually("that nothing stays", || !stays()).await;
    running.stop().await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_order_refused_dead_letters_stop_no_other_topic() {
    let terminal: Decide = |_| Err(ConsumeError::new("as asked").terminal());
    others_go_on(1, terminal, |_| Ok(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_dead_letters_of_retries_stop_no_other_topic() {
    let never: Decide = |_| Err(ConsumeError::new("as asked"));
    let at_last: Decide = |attempt| match attempt {
        1 => Err(ConsumeError::new("as asked")),
        _ => Ok(()),
    };
    others_go_on(2, never, at_last).await;
}
