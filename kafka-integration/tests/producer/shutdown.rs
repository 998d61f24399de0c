use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration::producer::Record;

use crate::support::*;

#[tokio::test]
async fn shutdown_delivers_what_is_queued() {
    let cluster = cluster();
    // Left alone, the client would wait ten seconds for more records.
    let kafka = kafka(&cluster.bootstrap_servers(), &[("linger.ms", "10000")]);
    let mut pipeline = Orders.pipeline().on(&kafka);
    for number in 0..100 {
        pipeline
            .send(Record::new(number.to_string()))
            .await
            .expect("queued");
    }
    let start = std::time::Instant::now();
    let report = kafka.shutdown(Duration::from_secs(20)).await;
    assert!(report.is_complete(), "{report}");
    assert!(
        start.elapsed() < Duration::from_secs(9),
        "it does not linger"
    );
    assert_eq!(pipeline.acknowledged(), 100);
    assert_eq!(read_orders(&cluster, 100).len(), 100);

    let late = Orders.produce("late".into()).on(&kafka).await;
    let error = late.expect_err("shut down");
    assert!(matches!(error, ProduceError::Kafka(_)), "{error}");
    let late = pipeline.send(Record::new("late".into())).await;
    assert!(
        late.expect_err("shut down")
            .to_string()
            .contains("shutdown")
    );
}

#[tokio::test]
async fn shutdown_without_a_broker_counts_what_is_lost_and_tells_its_callers() {
    keep_log();
    let kafka = kafka(NOWHERE, &[]);
    let waiting: Vec<_> = (0..3)
        .map(|number| {
            let kafka = kafka.clone();
            tokio::spawn(async move { Orders.produce(number.to_string()).on(&kafka).await })
        })
        .collect();
    let producer = kafka.producer(None).expect("producer");
    soon("queueing", async {
        while producer.outstanding() < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let report = kafka.shutdown(Duration::from_millis(200)).await;
    assert_eq!(report.total(), 3);
    assert_eq!(report.undelivered["default"], 3);
    for caller in waiting {
        let error = soon("the caller", caller)
            .await
            .expect("task")
            .expect_err("not delivered");
        assert!(matches!(error, ProduceError::Abandoned { .. }), "{error}");
    }
    logged(&["records=3", "before the flush timed out"]).await;
}

#[tokio::test]
async fn a_flush_does_not_block_the_runtime_and_the_handle_goes_on() {
    let cluster = cluster();
    let kafka = kafka(&cluster.bootstrap_servers(), &[("linger.ms", "10000")]);
    let produced = {
        let kafka = kafka.clone();
        tokio::spawn(async move { Orders.produce("x".into()).on(&kafka).await })
    };
    // On a runtime of one thread, this only ends when flush leaves it free.
    let report = loop {
        let report = kafka.flush(Duration::from_secs(20)).await;
        if produced.is_finished() {
            break report;
        }
        tokio::task::yield_now().await;
    };
    assert!(report.is_complete());
    produced.await.expect("task").expect("delivered");
    let again = tokio::spawn({
        let kafka = kafka.clone();
        async move { Orders.produce("y".into()).on(&kafka).await }
    });
    while !again.is_finished() {
        let _ = kafka.flush(Duration::from_secs(20)).await;
    }
    again.await.expect("task").expect("delivered");
}

#[tokio::test]
async fn dropping_the_last_handle_is_told_to_who_still_waits() {
    keep_log();
    let kafka = kafka(NOWHERE, &[]);
    let mut waiting = Box::pin(
        Named("given-up")
            .produce("x".into())
            .on(&kafka)
            .into_future(),
    );
    assert!(futures_util::poll!(&mut waiting).is_pending());
    drop(waiting);
    drop(kafka);
    logged(&["given-up", "nobody waits for any more"]).await;
}
