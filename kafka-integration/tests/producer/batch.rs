use kafka_integration::prelude::*;
use kafka_integration::producer::Record;

use crate::support::*;

#[tokio::test]
async fn the_deliveries_are_in_the_order_of_the_records() {
    let cluster = cluster();
    let kafka = kafka(&cluster.bootstrap_servers(), &[]);
    let records =
        (0..500).map(|number| Record::new(number.to_string()).partition(number % PARTITIONS));
    let deliveries = soon(
        "the batch",
        Orders.produce_batch(records).on(&kafka).into_future(),
    )
    .await
    .expect("delivered");
    for (number, delivery) in deliveries.iter().enumerate() {
        let number = number as i32;
        assert_eq!(
            (delivery.partition, delivery.offset),
            (number % PARTITIONS, i64::from(number / PARTITIONS))
        );
    }
    assert_eq!(deliveries.len(), 500);
}

#[tokio::test]
async fn a_batch_names_every_record_that_failed_and_delivers_the_others() {
    let cluster = cluster();
    let kafka = kafka(&cluster.bootstrap_servers(), &[]);
    let records = [
        Orders.produce("fine".into()),
        Orders.produce("forbidden".into()),
        Orders.produce("elsewhere".into()).partition(99).key("ann"),
        Orders.produce("fine".into()),
    ];
    let error = soon(
        "the batch",
        Orders.produce_batch(records).on(&kafka).into_future(),
    )
    .await
    .expect_err("two fail");
    let failed: Vec<_> = error.failed.iter().map(|record| record.index).collect();
    assert_eq!(failed, [1, 2]);
    assert!(matches!(
        error.failed[1].error,
        ProduceError::UnknownPartition { partition: 99, .. }
    ));
    assert_eq!(error.failed[1].key.as_deref(), Some("ann"));
    let delivered: Vec<_> = error.delivered.iter().map(Option::is_some).collect();
    assert_eq!(delivered, [true, false, false, true]);
    assert!(error.to_string().starts_with("2 of 4 records"), "{error}");
    assert_eq!(read_orders(&cluster, 2).len(), 2);
}

#[tokio::test]
async fn an_empty_batch_is_done() {
    let none: [Record<Orders>; 0] = [];
    let kafka = kafka(NOWHERE, &[]);
    let deliveries = Orders.produce_batch(none).on(&kafka).await;
    assert_eq!(deliveries.expect("nothing to do"), []);
}
