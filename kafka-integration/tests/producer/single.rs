use std::sync::Arc;

use kafka_integration::message::Timestamp;
use kafka_integration::prelude::*;
use kafka_integration::producer::Outgoing;
use rdkafka::message::{Headers as _, Message as _, Timestamp as ClientTimestamp};

use crate::support::*;

#[tokio::test]
async fn an_acknowledged_record_has_its_place_and_all_it_was_given() {
    let cluster = cluster();
    let kafka = kafka(&cluster.bootstrap_servers(), &[]);
    for offset in 0..3 {
        let delivery = soon(
            "the delivery",
            Orders
                .produce(format!("order {offset}"))
                .key("ann")
                .header("source", "web")
                .partition(2)
                .timestamp(Timestamp::from_millis(1_700_000_000_000))
                .on(&kafka)
                .into_future(),
        )
        .await
        .expect("delivered");
        assert_eq!(
            delivery,
            Delivery {
                topic: "orders".into(),
                partition: 2,
                offset
            }
        );
        assert!(!delivery.is_suppressed());
    }
    let records = read_orders(&cluster, 3);
    let record = &records[1];
    assert_eq!(value(record), "order 1");
    assert_eq!(record.key(), Some(&b"ann"[..]));
    assert_eq!(
        record.timestamp(),
        ClientTimestamp::CreateTime(1_700_000_000_000)
    );
    let headers: Vec<_> = record
        .headers()
        .expect("headers")
        .iter()
        .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
        .collect();
    assert_eq!(
        headers,
        [
            ("source".to_owned(), Some(b"web".to_vec())),
            ("stamped".to_owned(), Some(b"yes".to_vec())),
        ],
        "the caller's header, then the hook's"
    );
}

#[tokio::test]
async fn the_same_key_goes_to_the_same_partition_and_the_scope_finds_the_handle() {
    let cluster = cluster();
    let kafka = kafka(&cluster.bootstrap_servers(), &[]);
    kafka
        .scope(async {
            let first = Orders.produce("a".into()).key("ann").await;
            let second = Orders.produce("b".into()).key("ann").await;
            let (first, second) = (first.expect("first"), second.expect("second"));
            assert_eq!(first.partition, second.partition);
            assert_eq!(first.offset + 1, second.offset);
        })
        .await;
}

#[tokio::test]
async fn an_undeclared_topic_takes_serialized_records_and_tombstones() {
    let cluster = cluster();
    let kafka = kafka(&cluster.bootstrap_servers(), &[]);
    let producer = kafka.producer(None).expect("producer");
    let tombstone = Outgoing {
        key: Some(b"gone".to_vec()),
        ..Outgoing::default()
    };
    let empty = Outgoing {
        payload: Some(Vec::new()),
        ..tombstone.clone()
    };
    for record in [&tombstone, &empty] {
        producer
            .send_outgoing("orders", record)
            .await
            .expect("delivered");
    }
    let records = read_orders(&cluster, 2);
    assert_eq!(records[0].payload(), None, "null stays null");
    assert_eq!(records[1].payload(), Some(&b""[..]), "empty stays empty");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_makes_callers_wait_and_loses_nobody() {
    let cluster = cluster();
    // Room for two records; the third has to wait for a delivery.
    let kafka = kafka(
        &cluster.bootstrap_servers(),
        &[("queue.buffering.max.messages", "2"), ("linger.ms", "0")],
    );
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let kafka = kafka.clone();
            tokio::spawn(async move { Orders.produce(number.to_string()).on(&kafka).await })
        })
        .collect();
    for task in tasks {
        soon("a waiting caller", task)
            .await
            .expect("task")
            .expect("delivered");
    }
    let mut numbers: Vec<u32> = read_orders(&cluster, 200)
        .iter()
        .map(|record| value(record).parse().expect("number"))
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_caller_that_gives_up_waiting_leaves_nothing_behind() {
    let kafka = kafka(NOWHERE, &[("queue.buffering.max.messages", "1")]);
    let mut first = Box::pin(
        Orders
            .produce("in the queue".into())
            .on(&kafka)
            .into_future(),
    );
    let mut second = Box::pin(Orders.produce("no room".into()).on(&kafka).into_future());
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    let producer = kafka.producer(None).expect("producer");
    assert_eq!(producer.outstanding(), 2);
    drop(second);
    assert_eq!(producer.outstanding(), 1);
    // The record that is queued is the client's; only its caller is gone.
    drop(first);
    assert_eq!(producer.outstanding(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_producer_serves_everybody() {
    let cluster = cluster();
    let kafka = Arc::new(kafka(&cluster.bootstrap_servers(), &[]));
    let producer = kafka.producer(None).expect("producer");
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let kafka = kafka.clone();
            tokio::spawn(async move { Orders.produce(number.to_string()).on(&kafka).await })
        })
        .collect();
    let mut places = std::collections::BTreeSet::new();
    for task in tasks {
        let delivery = task.await.expect("task").expect("delivered");
        places.insert((delivery.partition, delivery.offset));
    }
    assert_eq!(places.len(), 50, "each has a place of its own");
    assert_eq!(producer.outstanding(), 0);
}
