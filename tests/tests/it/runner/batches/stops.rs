//! What waits for a batch when its consumer stops.

use kafka_integration_tests::{Running, eventually};
use tokio::sync::Semaphore;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_the_batch_that_runs_and_gives_up_what_waits() {
    for broker in TestBroker::each("a_stop_finishes_the_batch_that_runs") {
        let (kafka, topic) = (broker.kafka(), broker.topic("stop").await);
        let handled = Handled::default();
        let (noting, permits) = (handled.clone(), Arc::new(Semaphore::new(0)));
        let waiting = Arc::clone(&permits);
        let stamps = Stamps::new(&topic, policy(6, 6, LONG), move |batch, _| {
            let (noting, waiting) = (noting.clone(), Arc::clone(&waiting));
            Box::pin(async move {
                waiting.acquire().await?.forget();
                noting.note(&batch);
                Ok(())
            })
        });
        produce(&kafka, &topic, 0..10).await;
        let consumer = consumer(stamps);
        let group = consumer.group_id.clone();
        let running = Running::start(&kafka, [consumer]);
        eventually("six run and four wait", || {
            running.status.consumers()[0].in_flight == 10
        })
        .await;
        permits.add_permits(1);
        running.stop().await;
        assert_eq!(handled.numbers().len(), 6);

        let mut rest = ConsumerSpec::new("Rest", group).config("auto.offset.reset", "latest");
        rest = rest.topic(handled.topic(&topic, policy(4, 4, LONG)));
        let running = Running::start(&kafka, [rest]);
        eventually("the others", || handled.numbers().len() >= 10).await;
        running.stop().await;
        assert_eq!(handled.numbers(), (0..10).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_goes_to_the_member_that_gets_its_partition() {
    for broker in TestBroker::each("what_waits_goes_to_the_member") {
        let (kafka, topic) = (broker.kafka(), broker.topic("moving").await);
        produce(&kafka, &topic, 0..40).await;
        let handled = Handled::default();
        let waiting = consumer(handled.topic(&topic, policy(1_000, 1_000, LONG)));
        let mut taking = ConsumerSpec::new("Taking", &waiting.group_id);
        taking = taking
            .config("auto.offset.reset", "earliest")
            .topic(handled.topic(&topic, policy(1, 10, Duration::ZERO)));
        let first = Running::start(&kafka, [waiting]);
        eventually("all of them wait", || {
            first.status.consumers()[0].in_flight == 40
        })
        .await;
        let second = Running::start(&kafka, [taking]);
        eventually("its share, and the others wait", || {
            let waiting = first.status.consumers()[0].in_flight;
            waiting < 40 && handled.numbers().len() == 40 - waiting
        })
        .await;
        first.stop().await;
        eventually("the rest", || handled.numbers().len() >= 40).await;
        second.stop().await;
        assert_eq!(handled.numbers(), (0..40).collect::<Vec<_>>());
    }
}
