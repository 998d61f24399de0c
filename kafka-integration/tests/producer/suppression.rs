use kafka_integration::prelude::*;
use kafka_integration::producer::{Record, Suppression, unsuppressed};

use crate::support::*;

#[tokio::test]
async fn nothing_is_produced_under_a_suppression() {
    let cluster = cluster();
    let kafka = kafka(&cluster.bootstrap_servers(), &[]);
    Suppression::topics(["orders"])
        .scope(async {
            // Not even serialized: the hook would refuse it.
            let single = Orders.produce("forbidden".into()).on(&kafka).await;
            assert!(single.expect("suppressed").is_suppressed());
            let batch = Orders
                .produce_batch([Record::new("b".into()), Record::new("c".into())])
                .on(&kafka)
                .await
                .expect("suppressed");
            assert!(batch.iter().all(Delivery::is_suppressed) && batch.len() == 2);

            let mut pipeline = Orders.pipeline().on(&kafka);
            pipeline.send(Record::new("d".into())).await.expect("ok");
            unsuppressed(async {
                let sent = pipeline.send(Record::new("lifted".into())).await;
                sent.expect("sent");
            })
            .await;
            let summary = soon("finish", pipeline.finish()).await.expect("delivered");
            assert_eq!((summary.acknowledged, summary.suppressed), (1, 1));

            let other = Named("others").produce("e".into()).on(&kafka).await;
            assert!(!other.expect("delivered").is_suppressed());
        })
        .await;
    let delivery = Orders.produce("after".into()).on(&kafka).await;
    assert!(!delivery.expect("delivered").is_suppressed());
    let mut values: Vec<_> = read_orders(&cluster, 2)
        .iter()
        .map(|record| value(record).to_owned())
        .collect();
    values.sort();
    assert_eq!(values, ["after", "lifted"]);
}
