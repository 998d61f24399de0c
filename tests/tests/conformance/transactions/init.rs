//! InitProducerId.

use kafka_protocol::messages::{InitProducerIdRequest, ProducerId};

use crate::support::Target;
use crate::support::codes::*;
use crate::support::transactions::{init, initialize};

cases!(
    without_a_transactional_id_every_producer_is_new,
    every_version_initializes,
    bad_requests_are_refused,
    initializing_again_raises_the_epoch,
    a_producer_may_raise_its_own_epoch,
    a_lost_answer_is_repeated,
    an_old_self_cannot_raise_its_epoch,
    an_open_transaction_is_aborted_first,
    an_id_of_the_producers_own_is_not_needed,
);

async fn without_a_transactional_id_every_producer_is_new(target: &Target) {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    let one = target.call(5, request.clone()).await;
    let two = target.call(5, request.clone()).await;
    assert_eq!((one.error_code, one.producer_epoch), (NONE, 0));
    assert_eq!((two.error_code, two.producer_epoch), (NONE, 0));
    assert_ne!(one.producer_id, two.producer_id);
    // The timeout means nothing here.
    let request = request.with_transaction_timeout_ms(-1);
    assert_eq!(target.call(5, request).await.error_code, NONE);
}

async fn every_version_initializes(target: &Target) {
    let id = target.unique("init-versions");
    target.transaction_coordinator(&id).await;
    let mut connection = target.connect().await;
    let first = initialize(&mut connection, &init(&id)).await;
    for version in 0..=5_i16 {
        let request = init(&id);
        let request = if version < 3 {
            InitProducerIdRequest::default()
                .with_transactional_id(request.transactional_id)
                .with_transaction_timeout_ms(60_000)
        } else {
            request
        };
        let answer = connection.call(version, request).await;
        assert_eq!(answer.error_code, NONE, "version {version}");
        assert_eq!(answer.producer_id, first.producer_id);
        assert_eq!(answer.producer_epoch, version + 1);
    }
}

async fn bad_requests_are_refused(target: &Target) {
    let id = target.unique("bad-init");
    target.transactional_as(&id, 60_000).await;
    let mut connection = target.connect().await;
    for (request, error) in [
        (init(""), INVALID_REQUEST),
        (
            init(&id).with_transaction_timeout_ms(0),
            INVALID_TRANSACTION_TIMEOUT,
        ),
        (
            init(&id).with_transaction_timeout_ms(-1),
            INVALID_TRANSACTION_TIMEOUT,
        ),
        (
            init(&id).with_transaction_timeout_ms(900_001),
            INVALID_TRANSACTION_TIMEOUT,
        ),
        (init(&id).with_producer_epoch(3), INVALID_REQUEST),
        (init(&id).with_producer_id(ProducerId(3)), INVALID_REQUEST),
    ] {
        let answer = connection.call(5, request.clone()).await;
        assert_eq!(answer.error_code, error, "{request:?}");
        assert_eq!((answer.producer_id.0, answer.producer_epoch), (-1, -1));
    }
    let longest = init(&id).with_transaction_timeout_ms(900_000);
    assert_eq!(connection.call(5, longest).await.error_code, NONE);
}

async fn initializing_again_raises_the_epoch(target: &Target) {
    let id = target.unique("init-again");
    let first = target.transactional_as(&id, 60_000).await;
    let second = target.transactional_as(&id, 60_000).await;
    assert_eq!((first.epoch, second.epoch), (0, 1));
    assert_eq!(first.id, second.id);
}

async fn a_producer_may_raise_its_own_epoch(target: &Target) {
    let mut producer = target.transactional("raise").await;
    let request = init(&producer.transactional_id)
        .with_producer_id(ProducerId(producer.id))
        .with_producer_epoch(0);
    let answer = producer.connection.call(5, request).await;
    assert_eq!((answer.error_code, answer.producer_epoch), (NONE, 1));
    assert_eq!(answer.producer_id.0, producer.id);
}

async fn a_lost_answer_is_repeated(target: &Target) {
    let mut producer = target.transactional("lost-init").await;
    let request = init(&producer.transactional_id)
        .with_producer_id(ProducerId(producer.id))
        .with_producer_epoch(0);
    let first = producer.connection.call(5, request.clone()).await;
    let again = producer.connection.call(5, request).await;
    assert_eq!((first.error_code, first.producer_epoch), (NONE, 1));
    assert_eq!(again, first);
}

async fn an_old_self_cannot_raise_its_epoch(target: &Target) {
    let mut producer = target.transactional("old-self").await;
    let id = producer.transactional_id.clone();
    target.transactional_as(&id, 60_000).await;
    target.transactional_as(&id, 60_000).await;
    let old = init(&id).with_producer_id(ProducerId(producer.id));
    for (epoch, version, error) in [
        (0, 5, PRODUCER_FENCED),
        (0, 4, PRODUCER_FENCED),
        (0, 3, INVALID_PRODUCER_EPOCH),
        (7, 5, PRODUCER_FENCED),
    ] {
        let request = old.clone().with_producer_epoch(epoch);
        let answer = producer.connection.call(version, request).await;
        assert_eq!(answer.error_code, error, "epoch {epoch} version {version}");
    }
}

async fn an_open_transaction_is_aborted_first(target: &Target) {
    let topic = target.topic("init-aborts").await;
    let mut old = target.transactional("init-aborts").await;
    old.append(&topic, &["open"]).await;
    let mut connection = target.connect().await;
    let request = init(&old.transactional_id);
    let first = connection.call(5, request.clone()).await;
    assert_eq!(first.error_code, CONCURRENT_TRANSACTIONS);
    let answer = initialize(&mut connection, &request).await;
    assert_eq!((answer.error_code, answer.producer_id.0), (NONE, old.id));
    assert!(answer.producer_epoch > old.epoch);
    old.ended(target, &topic, 0).await;
    let data = target.fetch_committed(&topic, 0).await;
    assert_eq!(data.last_stable_offset, 2);
    let aborted = data.aborted_transactions.expect("a list");
    assert_eq!(
        (aborted[0].producer_id.0, aborted[0].first_offset),
        (old.id, 0)
    );
}

async fn an_id_of_the_producers_own_is_not_needed(target: &Target) {
    // As some clients do: producer 0, epoch 0 of a transactional id that is new.
    let id = target.unique("zero");
    target.transactional("zero-warm").await;
    let request = init(&id)
        .with_producer_id(ProducerId(0))
        .with_producer_epoch(0);
    let mut connection = target.connect().await;
    let answer = initialize(&mut connection, &request).await;
    assert_eq!((answer.error_code, answer.producer_epoch), (NONE, 0));
}
