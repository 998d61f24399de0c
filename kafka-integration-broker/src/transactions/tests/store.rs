use kafka_protocol::ResponseError;

use super::Protocol::{V1, V2};
use super::fixture::{Fixture, ID, until};
use super::who;
use crate::log::SequenceError;

#[tokio::test]
async fn a_commit_writes_markers_and_moves_what_readers_see() {
    let fixture = Fixture::new().await;
    let producer = fixture.init().await;
    fixture.enlist(producer, "orders", 0, V1).await;
    fixture.enlist(producer, "orders", 1, V1).await;
    assert_eq!(fixture.write(producer, "orders", 0, 0).await, Ok(0));
    assert_eq!(fixture.last_stable_offset("orders", 0), 0);

    let after = fixture.end(producer, true, V1).await;
    assert_eq!(after, Ok(producer));
    assert_eq!(fixture.last_stable_offset("orders", 0), 2);
    assert_eq!(fixture.aborted("orders", 0), []);
    let log = fixture.log("orders", 0).await;
    let marker = log.last().expect("a marker");
    assert!(marker.is_control() && marker.is_transactional());
    assert_eq!(marker.base_offset, 1);
    assert_eq!(
        (
            marker.producer_id,
            marker.producer_epoch,
            marker.base_sequence
        ),
        (producer.producer_id, producer.epoch, -1)
    );
    // Nothing was written to the other one; it gets its marker all the same.
    assert_eq!(fixture.log("orders", 1).await.len(), 1);
    assert_eq!(fixture.last_stable_offset("orders", 1), 1);
}

#[tokio::test]
async fn aborted_transactions_are_listed_by_their_ends_and_only_if_they_wrote() {
    let fixture = Fixture::new().await;
    let long = fixture
        .coordinator
        .init("long", 60_000, None)
        .await
        .expect("an identity");
    let orders = || vec![fixture.partition("orders", 0)];
    let entered = fixture
        .coordinator
        .add_partitions("long", long, orders(), V1);
    entered.await.expect("enlist");
    assert_eq!(fixture.write(long, "orders", 0, 0).await, Ok(0));

    let short = fixture.init().await;
    fixture.enlist(short, "orders", 0, V1).await;
    fixture.enlist(short, "orders", 1, V1).await;
    assert_eq!(fixture.write(short, "orders", 0, 0).await, Ok(1));
    fixture.end(short, false, V1).await.expect("abort");
    assert_eq!(fixture.aborted("orders", 0), [(1, 2)]);
    assert_eq!(
        fixture.aborted("orders", 1),
        [],
        "nothing was written there"
    );
    assert_eq!(fixture.last_stable_offset("orders", 0), 0);

    let ended = fixture.coordinator.end("long", long, false, V1).await;
    ended.expect("abort");
    assert_eq!(fixture.aborted("orders", 0), [(1, 2), (0, 3)]);
    assert_eq!(fixture.last_stable_offset("orders", 0), 4);
    let fixture = fixture.crash().await;
    assert_eq!(fixture.aborted("orders", 0), [(1, 2), (0, 3)]);
}

#[tokio::test]
async fn offsets_appear_with_the_commit_and_not_with_an_abort() {
    for protocol in [V1, V2] {
        let fixture = Fixture::new().await;
        let mut producer = fixture.init().await;
        if protocol == V1 {
            assert_eq!(
                fixture.commit_offset(producer, 7, protocol).await,
                Err(ResponseError::TransactionAbortable),
                "the group was not named"
            );
            let added = fixture.coordinator.add_group(ID, producer, "billing");
            added.await.expect("add the group");
        }
        assert_eq!(fixture.commit_offset(producer, 7, protocol).await, Ok(()));
        assert_eq!(fixture.offset(), (None, true));
        producer = fixture.end(producer, true, protocol).await.expect("commit");
        assert_eq!(fixture.offset(), (Some(7), false));

        if protocol == V1 {
            let added = fixture.coordinator.add_group(ID, producer, "billing");
            added.await.expect("add the group");
        }
        assert_eq!(fixture.commit_offset(producer, 9, protocol).await, Ok(()));
        assert_eq!(fixture.offset(), (Some(7), true));
        fixture.end(producer, false, protocol).await.expect("abort");
        assert_eq!(fixture.offset(), (Some(7), false));
    }
}

#[tokio::test]
async fn an_offset_committed_meanwhile_outlasts_the_one_of_the_transaction() {
    for commit in [true, false] {
        let fixture = Fixture::new().await;
        let producer = fixture.init().await;
        let pending = fixture.commit_offset(producer, 7, V2).await;
        pending.expect("commit an offset");
        fixture.commit_plainly(3).await;
        assert_eq!(fixture.offset(), (Some(3), true));
        let fixture = fixture.crash().await;
        fixture.end(producer, commit, V2).await.expect("end");
        assert_eq!(fixture.offset(), (Some(3), false));
        assert_eq!(fixture.crash().await.offset(), (Some(3), false));
    }
}

#[tokio::test]
async fn version_2_numbers_anew_and_keeps_a_late_batch_out_of_the_next_transaction() {
    let fixture = Fixture::new().await;
    let first = fixture.init().await;
    fixture.enlist(first, "orders", 0, V2).await;
    assert_eq!(
        fixture.write(first, "orders", 0, 4).await,
        Err(SequenceError::OutOfOrder {
            expected: 0,
            found: 4
        })
    );
    assert_eq!(fixture.write(first, "orders", 0, 0).await, Ok(0));
    let second = fixture.end(first, true, V2).await.expect("commit");
    assert_eq!(second, who(first.producer_id, first.epoch + 1));
    assert_eq!(
        fixture.write(first, "orders", 0, 1).await,
        Err(SequenceError::Fenced {
            current: second.epoch,
            found: first.epoch
        })
    );
    fixture.enlist(second, "orders", 0, V2).await;
    assert_eq!(fixture.write(second, "orders", 0, 0).await, Ok(2));
}

#[tokio::test]
async fn a_killed_broker_finds_its_transaction_open_and_can_commit_it() {
    let fixture = Fixture::new().await;
    let producer = fixture.init().await;
    fixture.enlist(producer, "orders", 0, V1).await;
    fixture.enlist(producer, "payments", 1, V1).await;
    let added = fixture.coordinator.add_group(ID, producer, "billing");
    added.await.expect("add the group");
    fixture
        .write(producer, "orders", 0, 0)
        .await
        .expect("write");
    let committed = fixture.commit_offset(producer, 7, V1).await;
    committed.expect("commit an offset");

    let fixture = fixture.crash().await;
    assert_eq!(fixture.last_stable_offset("orders", 0), 0);
    assert_eq!(fixture.offset(), (None, true));
    // The partitions are in the transaction still, with or without records.
    assert_eq!(fixture.write(producer, "orders", 0, 1).await, Ok(1));
    assert_eq!(fixture.write(producer, "payments", 1, 0).await, Ok(0));
    fixture.end(producer, true, V1).await.expect("commit");
    assert_eq!(fixture.last_stable_offset("orders", 0), 3);
    assert_eq!(fixture.last_stable_offset("payments", 1), 2);
    assert_eq!(fixture.offset(), (Some(7), false));

    // What is over is over after another kill, and its repetition answered.
    let fixture = fixture.crash().await;
    assert_eq!(fixture.end(producer, true, V1).await, Ok(producer));
    assert_eq!(
        fixture.end(producer, false, V1).await,
        Err(ResponseError::InvalidTxnState)
    );
    assert_eq!(
        fixture.write(producer, "orders", 0, 2).await,
        Err(SequenceError::NotInTransaction)
    );
    assert_eq!(fixture.log("orders", 0).await.len(), 3);
}

#[tokio::test]
async fn a_transaction_is_aborted_in_time_also_when_the_broker_was_down() {
    for killed in [false, true] {
        let mut fixture = Fixture::new().await;
        let timeout_ms = 300;
        let producer = fixture.coordinator.init(ID, timeout_ms, None).await;
        let producer = producer.expect("an identity");
        fixture.enlist(producer, "orders", 0, V1).await;
        fixture
            .write(producer, "orders", 0, 0)
            .await
            .expect("write");
        if killed {
            fixture = fixture.crash().await;
        }
        until("aborted", || fixture.last_stable_offset("orders", 0) == 2).await;
        assert_eq!(fixture.aborted("orders", 0), [(0, 1)]);
        assert_eq!(
            fixture.write(producer, "orders", 0, 1).await,
            Err(SequenceError::Fenced {
                current: producer.epoch + 1,
                found: producer.epoch
            })
        );
        // The producer was slow, not replaced.
        let again = fixture
            .coordinator
            .init(ID, timeout_ms, Some(producer))
            .await;
        assert_eq!(again, Ok(who(producer.producer_id, producer.epoch + 1)));
    }
}

#[tokio::test]
async fn a_start_aborts_what_its_predecessor_left_open() {
    let fixture = Fixture::new().await;
    let old = fixture.init().await;
    fixture.enlist(old, "orders", 0, V1).await;
    fixture.write(old, "orders", 0, 0).await.expect("write");
    assert_eq!(
        fixture.coordinator.init(ID, 60_000, None).await,
        Err(ResponseError::ConcurrentTransactions)
    );
    assert_eq!(fixture.aborted("orders", 0), [(0, 1)]);
    let new = fixture.init().await;
    assert_eq!(new, who(old.producer_id, old.epoch + 2));
    assert_eq!(
        fixture.end(old, true, V1).await,
        Err(ResponseError::ProducerFenced)
    );
}

#[tokio::test]
async fn no_producer_id_is_given_twice_across_kills() {
    let mut fixture = Fixture::new().await;
    let mut given = Vec::new();
    for _ in 0..3 {
        for _ in 0..1500 {
            let producer = fixture.coordinator.idempotent_producer().await;
            given.push(producer.expect("an identity").producer_id);
        }
        fixture = fixture.crash().await;
    }
    assert!(given.is_sorted());
    given.dedup();
    assert_eq!(given.len(), 4500);
    assert!(
        !given.contains(&0),
        "some clients claim it without having it"
    );
}

#[tokio::test]
async fn a_deleted_topic_does_not_keep_a_transaction_from_ending() {
    let fixture = Fixture::new().await;
    let producer = fixture.init().await;
    fixture.enlist(producer, "orders", 0, V1).await;
    fixture.enlist(producer, "payments", 0, V1).await;
    fixture
        .write(producer, "payments", 0, 0)
        .await
        .expect("write");
    let topic = fixture.opened.catalogue.topic("orders").expect("the topic");
    fixture
        .opened
        .writer
        .delete_topic(topic)
        .await
        .expect("delete");
    assert_eq!(fixture.end(producer, true, V1).await, Ok(producer));
    assert_eq!(fixture.last_stable_offset("payments", 0), 2);
}

#[tokio::test]
async fn a_topic_made_anew_within_the_transaction_is_let_in_again() {
    let fixture = Fixture::new().await;
    let producer = fixture.init().await;
    fixture.enlist(producer, "orders", 0, V1).await;
    let topic = fixture.opened.catalogue.topic("orders").expect("the topic");
    let writer = &fixture.opened.writer;
    writer.delete_topic(topic).await.expect("delete");
    let made = writer.create_topic("orders", 1, Default::default());
    made.await.expect("create a topic");
    fixture.enlist(producer, "orders", 0, V1).await;
    assert_eq!(fixture.write(producer, "orders", 0, 0).await, Ok(0));
}

#[tokio::test]
async fn what_the_store_refuses_changes_nothing() {
    let fixture = Fixture::new().await;
    let producer = fixture.init().await;
    fixture.enlist(producer, "orders", 0, V1).await;
    fixture.opened.writer.stop().await;
    assert_eq!(
        fixture.end(producer, true, V1).await,
        Err(ResponseError::CoordinatorNotAvailable)
    );
    let described = fixture.coordinator.describe(ID).await.expect("described");
    assert_eq!(described.state.name(), "Ongoing");
    assert_eq!(described.identity, producer);
}

#[tokio::test]
async fn ids_are_described_and_listed() {
    let fixture = Fixture::new().await;
    assert_eq!(
        fixture.coordinator.describe(ID).await,
        Err(ResponseError::TransactionalIdNotFound)
    );
    let producer = fixture.init().await;
    fixture.enlist(producer, "orders", 1, V1).await;
    fixture.enlist(producer, "orders", 0, V1).await;
    for _ in 0..20 {
        let id = format!(
            "other-{}",
            fixture.coordinator.list().await.expect("list").len()
        );
        let other = fixture.coordinator.init(&id, 60_000, None).await;
        other.expect("an identity");
    }
    let described = fixture.coordinator.describe(ID).await.expect("described");
    assert_eq!(described.partitions, [("orders".into(), vec![0, 1])]);
    assert_eq!(described.timeout_ms, 60_000);
    assert!(described.started > 0);
    assert_eq!(fixture.coordinator.list().await.expect("list").len(), 21);
}
