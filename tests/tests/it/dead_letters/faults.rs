//! What brokers refuse, on purpose.

use kafka_integration::embedded::{ApiKey, EmbeddedBroker, ErrorCode};
use kafka_integration::retry::dead::{DeadLetterError, Filter, Redrive, Watch};

use super::scene::Scene;

async fn scene(broker: &EmbeddedBroker, count: i64) -> Scene {
    let scene = Scene::at(&broker.bootstrap_servers(), "faults").await;
    tokio::task::spawn_blocking(move || {
        scene.bury((0..count).map(|number| (number, "shop::Declined")));
        scene
    })
    .await
    .expect("they are there")
}

async fn back(scene: Scene) -> (Scene, Vec<i64>) {
    let read = tokio::task::spawn_blocking(move || {
        let back = scene.back_as_they_were();
        (scene, back)
    });
    read.await.expect("it can be read")
}

async fn start() -> EmbeddedBroker {
    let broker = EmbeddedBroker::builder().start().await;
    broker.expect("the embedded broker starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_record_is_named_and_the_rest_goes_later() {
    let broker = start().await;
    let scene = scene(&broker, 1_200).await;
    let letters = scene.letters().await;
    let on = broker.faults().on(ApiKey::Produce).topic(&scene.source);
    // A transaction is a request or a few for each partition.
    let refused = on.skip(3).error(ErrorCode::MessageTooLarge);
    let refused = refused.expect("a fault");
    let watch = Watch::new();
    let error = letters.redrive(&Redrive::default(), &watch).await;
    let error = error.expect_err("they are too large");
    let DeadLetterError::Refused { target, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*target, scene.source);
    assert!(refused.hits() > 0);
    let (scene, moved) = back(scene).await;
    assert_eq!(moved.len() as u64, watch.done().0, "what was said is there");
    refused.lift();
    let rest = letters.redrive(&Redrive::default(), &Watch::new()).await;
    assert_eq!(rest.expect("now they go").letters, 1_200 - watch.done().0);
    let (_, all) = back(scene).await;
    assert_eq!(all, Vec::from_iter(0..1_200));
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_pass_cost_time_and_nothing_else() {
    let broker = start().await;
    let scene = scene(&broker, 1_200).await;
    let letters = scene.letters().await;
    let lost = broker.faults().on(ApiKey::Produce).topic(&scene.source);
    let lost = lost.skip(1).times(2).lose_answer().expect("a fault");
    let ending = broker.faults().on(ApiKey::EndTxn);
    let ending = ending
        .skip(1)
        .times(2)
        .error(ErrorCode::CoordinatorLoadInProgress);
    let ending = ending.expect("a fault");
    let answer = broker
        .faults()
        .on(ApiKey::EndTxn)
        .skip(4)
        .times(1)
        .lose_answer();
    let answer = answer.expect("a fault");
    let adding = broker.faults().on(ApiKey::AddPartitionsToTxn).times(2);
    let adding = adding
        .error(ErrorCode::ConcurrentTransactions)
        .expect("a fault");
    let done = letters.redrive(&Redrive::default(), &Watch::new()).await;
    assert_eq!(done.expect("it goes on").letters, 1_200);
    let hits = [&lost, &ending, &adding].map(|fault| fault.hits());
    eprintln!("{hits:?} {}", answer.hits());
    assert!(hits.iter().all(|hits| *hits > 0), "{hits:?}");
    let (_, all) = back(scene).await;
    assert_eq!(all, Vec::from_iter(0..1_200));
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_refused_moves_nothing() {
    let broker = start().await;
    let scene = scene(&broker, 20).await;
    let letters = scene.letters().await;
    let on = broker.faults().on(ApiKey::Produce).topic(letters.journal());
    let refused = on.error(ErrorCode::TopicAuthorizationFailed);
    let refused = refused.expect("a fault");
    let error = letters.redrive(&Redrive::default(), &Watch::new()).await;
    let error = error.expect_err("it may not write there");
    assert!(error.to_string().contains(&letters.journal()), "{error}");
    let error = letters.discard(&Filter::default(), &Watch::new()).await;
    let error = error.expect_err("it may not write there");
    assert!(error.to_string().contains(&letters.journal()), "{error}");
    let (scene, moved) = back(scene).await;
    assert!(moved.is_empty(), "{moved:?}");
    refused.lift();
    let summary = letters.summary(&Watch::new()).await.expect("it is read");
    assert_eq!((summary.open, summary.redriven), (20, 0));
    drop(scene);
    broker.stop().await;
}
