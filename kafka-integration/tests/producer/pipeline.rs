use std::collections::HashMap;

use kafka_integration::prelude::*;
use kafka_integration::producer::{Outgoing, PipelineError, Record, Summary, Undelivered};
use kafka_integration_broker::ErrorCode;
use rdkafka::Message as _;

use crate::support::*;

#[tokio::test]
async fn everything_sent_is_acknowledged_when_finish_returns() {
    // The second queue is much smaller than the pipeline: it waits on both
    // bounds.
    for queue in ["100000", "7"] {
        let cluster = cluster();
        let kafka = kafka(
            &cluster.bootstrap_servers(),
            &[("queue.buffering.max.messages", queue), ("linger.ms", "1")],
        );
        let mut pipeline = Orders.pipeline().max_in_flight(50).on(&kafka);
        for number in 0..1_000 {
            let record = Record::new(number.to_string()).key(format!("key {}", number % 10));
            soon("send", pipeline.send(record)).await.expect("sent");
            assert!(pipeline.in_flight() <= 50, "the bound holds");
        }
        let summary = soon("finish", pipeline.finish()).await.expect("delivered");
        let all = Summary {
            acknowledged: 1_000,
            suppressed: 0,
        };
        assert_eq!(summary, all);
        assert_eq!(kafka.producer(None).expect("producer").outstanding(), 0);

        let mut by_key = HashMap::<Vec<u8>, Vec<u32>>::new();
        for record in read_orders(&cluster, 1_000) {
            let key = record.key().expect("key").to_vec();
            let number = value(&record).parse().expect("number");
            by_key.entry(key).or_default().push(number);
        }
        for numbers in by_key.values() {
            assert_eq!(numbers.len(), 100);
            assert!(numbers.is_sorted(), "a key keeps the order of sending");
        }
    }
}

#[tokio::test]
async fn the_smallest_bound_is_one_at_a_time() {
    let cluster = cluster();
    let kafka = kafka(&cluster.bootstrap_servers(), &[("linger.ms", "0")]);
    let mut pipeline = Orders.pipeline().max_in_flight(0).on(&kafka);
    for number in 0..20 {
        soon("send", pipeline.send(Orders.produce(number.to_string())))
            .await
            .expect("sent");
        assert!(pipeline.in_flight() <= 1);
        assert!(pipeline.acknowledged() >= number);
    }
    assert_eq!(pipeline.finish().await.expect("delivered").acknowledged, 20);
}

#[tokio::test]
async fn a_failure_names_the_record_and_stops_the_pipeline() {
    let cluster = cluster();
    let kafka = kafka(
        &cluster.bootstrap_servers(),
        &[("enable.idempotence", "false"), ("linger.ms", "0")],
    );
    let mut pipeline = Orders.pipeline().max_in_flight(1).on(&kafka);
    for key in ["a", "b"] {
        pipeline
            .send(Record::new("fine".into()).key(key))
            .await
            .expect("sent");
    }
    // Record 2 must not be sent before the others are through.
    while pipeline.acknowledged() < 2 {
        tokio::task::yield_now().await;
    }
    let refused = cluster.on_produce().times(1);
    let refused = refused.error(ErrorCode::TopicAuthorizationFailed);
    refused.expect("a fault");
    pipeline
        .send(Record::new("refused".into()).key("ann").partition(1))
        .await
        .expect("queued");
    while pipeline.in_flight() > 0 {
        tokio::task::yield_now().await;
    }
    let check = |failed: &Undelivered| {
        assert_eq!((failed.acknowledged, failed.failed), (2, 1));
        let record = &failed.records[0];
        assert_eq!((record.index, record.topic.as_str()), (2, "orders"));
        assert_eq!(record.partition, Some(1));
        assert_eq!(record.key.as_deref(), Some("ann"));
        assert!(matches!(record.error, ProduceError::Unauthorized { .. }));
    };
    for _ in 0..2 {
        match pipeline.send(Record::new("later".into())).await {
            Err(PipelineError::Failed(failed)) => check(&failed),
            other => panic!("the failure comes back: {other:?}"),
        }
    }
    match pipeline.finish().await {
        Err(PipelineError::Failed(failed)) => {
            check(&failed);
            let text = failed.to_string();
            assert!(text.contains("2 were acknowledged"), "{text}");
            assert!(text.contains("record 2 (key ann)"), "{text}");
        }
        other => panic!("finish tells it too: {other:?}"),
    }
    assert_eq!(read_orders(&cluster, 2).len(), 2);
}

#[tokio::test]
async fn a_refused_record_is_told_at_once_and_the_pipeline_goes_on() {
    let cluster = cluster();
    let kafka = kafka(&cluster.bootstrap_servers(), &[]);
    let mut pipeline = Orders.pipeline().on(&kafka);
    pipeline
        .send(Record::new("fine".into()))
        .await
        .expect("sent");
    let refused = pipeline.send(Record::new("forbidden".into())).await;
    assert!(
        matches!(
            &refused,
            Err(PipelineError::Refused { index: 1, source: ProduceError::Refused { topic, .. } })
                if topic == "orders"
        ),
        "{refused:?}"
    );
    pipeline
        .send(Record::new("fine".into()))
        .await
        .expect("sent");
    let summary = soon("finish", pipeline.finish()).await.expect("delivered");
    assert_eq!(summary.acknowledged, 2);
}

#[tokio::test]
async fn a_record_the_client_refuses_is_not_in_flight() {
    let cluster = cluster();
    let kafka = kafka(
        &cluster.bootstrap_servers(),
        &[("message.max.bytes", "1000")],
    );
    let producer = kafka.producer(None).expect("producer");
    let mut pipeline = Orders.pipeline().on(&kafka);
    let fine = pipeline.send(Record::new("fine".into())).await;
    fine.expect("sent");
    let refused = pipeline.send(Record::new("x".repeat(5_000))).await;
    assert!(
        matches!(
            refused,
            Err(PipelineError::Refused {
                index: 1,
                source: ProduceError::TooLarge { .. }
            })
        ),
        "{refused:?}"
    );
    let report = kafka.flush(std::time::Duration::from_secs(20)).await;
    assert!(report.is_complete(), "{report}");
    assert_eq!((pipeline.in_flight(), producer.outstanding()), (0, 0));
    let summary = soon("finish", pipeline.finish()).await.expect("delivered");
    assert_eq!(summary.acknowledged, 1);
}

#[tokio::test]
async fn many_failures_are_described_a_few_and_counted_all() {
    let kafka = kafka(NOWHERE, &[("message.timeout.ms", "500")]);
    let producer = kafka.producer(None).expect("producer");
    let mut pipeline = producer.pipeline();
    let mut record = Outgoing::default();
    for number in 0..100_u32 {
        record.key = Some(number.to_string().into_bytes());
        pipeline.send("orders", &record).await.expect("queued");
    }
    let failed = soon("finish", pipeline.finish())
        .await
        .expect_err("nobody took them");
    assert_eq!((failed.acknowledged, failed.failed), (0, 100));
    assert_eq!(failed.records.len(), Undelivered::KEPT_FAILURES);
    assert!(failed.records.is_sorted_by_key(|record| record.index));
    assert_eq!(producer.outstanding(), 0);
}

#[tokio::test]
async fn a_dropped_pipeline_logs_what_fails_later() {
    keep_log();
    let kafka = kafka(NOWHERE, &[("message.timeout.ms", "500")]);
    let mut pipeline = Named("dropped-pipeline").pipeline().on(&kafka);
    for _ in 0..3 {
        pipeline
            .send(Record::new("x".into()))
            .await
            .expect("queued");
    }
    drop(pipeline);
    logged(&["dropped-pipeline", "records=3", "not delivered"]).await;
    let producer = kafka.producer(None).expect("producer");
    assert_eq!(producer.outstanding(), 0);
}
