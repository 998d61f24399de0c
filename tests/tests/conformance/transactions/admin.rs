//! Transactions from outside.

use kafka_protocol::messages::describe_transactions_response::TransactionState;
use kafka_protocol::messages::{DescribeTransactionsRequest, ListTransactionsRequest, ProducerId};

use crate::support::shapes::{text, transactional_id};
use crate::support::{Target, codes::*, eventually};

cases!(
    a_transaction_is_described_in_each_state,
    an_unknown_transactional_id_is_not_found,
    transactions_are_listed,
    transactions_are_listed_by_state_producer_and_age,
);

async fn describe(target: &Target, id: &str) -> TransactionState {
    let request =
        DescribeTransactionsRequest::default().with_transactional_ids(vec![transactional_id(id)]);
    target.call(0, request).await.transaction_states.remove(0)
}

async fn a_transaction_is_described_in_each_state(target: &Target) {
    let topic = target.topic_with("describe-txn", 2, &[]).await;
    let mut producer = target.transactional("describe-txn").await;
    let id = producer.transactional_id.clone();
    let state = describe(target, &id).await;
    assert_eq!(
        (state.error_code, &*state.transaction_state),
        (NONE, "Empty")
    );
    assert_eq!(
        (state.producer_id.0, state.producer_epoch),
        (producer.id, 0)
    );
    assert_eq!(state.transaction_timeout_ms, 60_000);
    assert_eq!(state.transaction_start_time_ms, -1);
    assert!(state.topics.is_empty());

    producer.append(&topic, &["a"]).await;
    assert_eq!(producer.add(&topic, 1).await, NONE);
    let state = describe(target, &id).await;
    assert_eq!(&*state.transaction_state, "Ongoing");
    assert!(state.transaction_start_time_ms > 1_700_000_000_000);
    assert_eq!(state.topics.len(), 1);
    assert_eq!(state.topics[0].topic, topic.name());
    let mut partitions = state.topics[0].partitions.clone();
    partitions.sort_unstable();
    assert_eq!(partitions, [0, 1]);

    for (commit, expected) in [(true, "CompleteCommit"), (false, "CompleteAbort")] {
        producer.append(&topic, &["b"]).await;
        producer.end(target, commit, &[&topic]).await;
        eventually(expected, async || {
            let state = describe(target, &id).await;
            (&*state.transaction_state == expected).then_some(())
        })
        .await;
        assert!(describe(target, &id).await.topics.is_empty());
    }
}

async fn an_unknown_transactional_id_is_not_found(target: &Target) {
    target.transactional("warm").await;
    let state = describe(target, &target.unique("unknown")).await;
    assert_eq!(state.error_code, TRANSACTIONAL_ID_NOT_FOUND);
    assert_eq!(&*state.transaction_state, "");
    let state = describe(target, "").await;
    assert_eq!(state.error_code, INVALID_REQUEST);
}

/// The state in which a transactional id is listed.
async fn listed(
    target: &Target,
    version: i16,
    id: &str,
    request: ListTransactionsRequest,
) -> Option<String> {
    let answer = target.call(version, request).await;
    assert_eq!(answer.error_code, NONE);
    let states = answer.transaction_states;
    let found = states.iter().find(|state| **state.transactional_id == *id);
    found.map(|state| state.transaction_state.to_string())
}

async fn transactions_are_listed(target: &Target) {
    let producer = target.transactional("list-txn").await;
    for version in 0..=2 {
        let request = ListTransactionsRequest::default();
        let state = listed(target, version, &producer.transactional_id, request).await;
        assert_eq!(state.as_deref(), Some("Empty"), "version {version}");
    }
}

async fn transactions_are_listed_by_state_producer_and_age(target: &Target) {
    let topic = target.topic("filter-txn").await;
    let mut producer = target.transactional("filter-txn").await;
    let id = producer.transactional_id.clone();
    producer.append(&topic, &["a"]).await;
    let request = ListTransactionsRequest::default;
    let own = ProducerId(producer.id);
    let other = ProducerId(producer.id + 1_000_000);
    for (number, (request, expected)) in [
        (request().with_state_filters(vec![text("Ongoing")]), true),
        (request().with_state_filters(vec![text("Empty")]), false),
        (request().with_producer_id_filters(vec![own, other]), true),
        (request().with_producer_id_filters(vec![other]), false),
        (request().with_duration_filter(0), true),
        (request().with_duration_filter(600_000), false),
        (
            request().with_transactional_id_pattern(Some(text("filter-txn.*"))),
            true,
        ),
        (
            request().with_transactional_id_pattern(Some(text("filter-tx"))),
            false,
        ),
        (
            request().with_transactional_id_pattern(Some(text(""))),
            true,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let state = listed(target, 2, &id, request).await;
        assert_eq!(state.is_some(), expected, "filter {number}");
    }
    let unknown = request().with_state_filters(vec![text("Ongoing"), text("Nonsense")]);
    let answer = target.call(2, unknown).await;
    assert_eq!(answer.unknown_state_filters, [text("Nonsense")]);
    let bad = request().with_transactional_id_pattern(Some(text("(")));
    let answer = target.call(2, bad).await;
    assert_eq!(answer.error_code, INVALID_REGULAR_EXPRESSION);
    producer.end(target, false, &[&topic]).await;
}
