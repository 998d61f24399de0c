//! Which messages wait with a refused one, and who goes on with them.

use kafka_integration::embedded::{ApiKey, ErrorCode};
use kafka_integration::prelude::*;
use kafka_integration_tests::{Running, eventually};

use super::super::notes::{send, text};
use super::{Scenario, embedded, first_retry_topic};

/// By key, a lane is a key: the partition's others go on.
#[tokio::test(flavor = "multi_thread")]
async fn by_key_only_the_refused_messages_key_stands() {
    let broker = embedded().await;
    let scenario = Scenario::new(&broker.bootstrap_servers(), first_retry_topic).await;
    let running = scenario.start_ordered(Ordering::Key);
    let on = broker.faults().on(ApiKey::Produce).topic(&scenario.target);
    let fault = on.error(ErrorCode::TopicAuthorizationFailed);
    let fault = fault.expect("a fault");
    scenario.send(0, "flaky").await;
    eventually("a lane that stands", || {
        !running.status.consumers()[0].stopped.is_empty()
    })
    .await;
    for number in 0..20 {
        scenario.send(0, &format!("behind {number}")).await;
        let beside = text(0, "other", &format!("beside {number}"));
        send(&scenario.kafka, &scenario.topic, beside).await;
    }
    eventually("the other key", || scenario.notes.count("beside") == 20).await;
    assert_eq!(scenario.notes.count("behind"), 0, "its key stands");
    assert_eq!(scenario.committed(0), 0, "it is not finished");
    fault.lift();
    eventually("it again", || scenario.notes.attempts("flaky") == [1, 2]).await;
    scenario.flows(running, 41).await;
    broker.stop().await;
}

/// Whoever has the partition next goes on with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebalance_while_a_lane_stands() {
    let broker = embedded().await;
    let scenario = Scenario::new(&broker.bootstrap_servers(), first_retry_topic).await;
    let first = scenario.start();
    let on = broker.faults().on(ApiKey::Produce).topic(&scenario.target);
    let fault = on.error(ErrorCode::TopicAuthorizationFailed);
    let fault = fault.expect("a fault");
    scenario.send(0, "flaky").await;
    scenario.stands(&first).await;
    let second = scenario.start();
    let one_each = || {
        let partitions = |running: &Running| running.status.consumers()[0].partitions;
        partitions(&first) == 1 && partitions(&second) == 1
    };
    eventually("a partition each", one_each).await;
    let stopped = |running: &Running| running.status.consumers()[0].stopped.len();
    eventually("its lane standing again", || {
        stopped(&first) + stopped(&second) == 1
    })
    .await;
    // What came behind it may have been handled while it was on its way anew.
    assert_eq!(scenario.committed(0), 0, "it is not finished");
    fault.lift();
    eventually("everything behind it", || {
        scenario.notes.count("behind") == 20
    })
    .await;
    eventually("all of it committed", || scenario.committed(0) == 21).await;
    eventually("it again", || {
        scenario.notes.attempts("flaky").ends_with(&[2])
    })
    .await;
    assert_eq!(stopped(&first) + stopped(&second), 0);
    first.stop().await;
    second.stop().await;
    broker.stop().await;
}
