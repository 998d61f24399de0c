use kafka_protocol::ResponseError;

use super::super::EXPIRATION_MS;
use super::super::end::{End, Ending, abort_at_next_epoch, end};
use super::super::enlist::{check_group, enlist};
use super::super::init::{Init, init};
use super::super::transaction::{Identity, State, Transaction};
use super::{NOW, Protocol, TIMEOUT, idle, open, who};

const FRESH: i64 = 77;
const LAST: i16 = i16::MAX - 1;

fn given(current: &Transaction, claimed: Option<Identity>) -> Result<Identity, ResponseError> {
    match init(Some(current), TIMEOUT, claimed, Some(FRESH), NOW)? {
        Init::Given(next) => Ok(next.identity()),
        other => panic!("not given: {other:?}"),
    }
}

fn ended(
    current: &Transaction,
    by: Identity,
    commit: bool,
    protocol: Protocol,
) -> Result<Ending, ResponseError> {
    match end(current, by, commit, protocol, Some(FRESH), NOW)? {
        End::Ends(ending) => Ok(ending),
        other => panic!("not ended: {other:?}"),
    }
}

fn repeated(
    current: &Transaction,
    by: Identity,
    commit: bool,
    protocol: Protocol,
) -> Result<Identity, ResponseError> {
    match end(current, by, commit, protocol, Some(FRESH), NOW)? {
        End::Repeated(identity) => Ok(identity),
        other => panic!("not a repetition: {other:?}"),
    }
}

// InitProducerId

#[test]
fn a_new_id_begins_at_epoch_zero_whatever_the_producer_claims() {
    for claimed in [None, Some(who(0, 0)), Some(who(9, 4))] {
        assert_eq!(
            init(None, TIMEOUT, claimed, None, NOW),
            Ok(Init::NeedsProducerId)
        );
        let Ok(Init::Given(made)) = init(None, TIMEOUT, claimed, Some(FRESH), NOW) else {
            panic!("not given");
        };
        assert_eq!(made.identity(), who(FRESH, 0));
        assert_eq!(made.state, State::Empty);
    }
}

#[test]
fn a_claim_to_producer_zero_is_fenced_where_the_id_exists() {
    assert_eq!(
        given(&idle(0), Some(who(0, 0))),
        Err(ResponseError::ProducerFenced)
    );
}

#[test]
fn timeouts_are_above_zero_and_at_most_fifteen_minutes() {
    for (timeout, allowed) in [(0, false), (-1, false), (900_000, true), (900_001, false)] {
        let decided = init(None, timeout, None, Some(FRESH), NOW);
        assert_eq!(decided.is_ok(), allowed, "{timeout}");
        if let Err(error) = decided {
            assert_eq!(error, ResponseError::InvalidTransactionTimeout);
        }
    }
}

#[test]
fn a_start_raises_the_epoch() {
    assert_eq!(given(&idle(3), None), Ok(who(5, 4)));
}

#[test]
fn a_recovery_raises_the_epoch_and_repeated_gets_the_same_answer() {
    let Ok(Init::Given(next)) = init(Some(&idle(3)), TIMEOUT, Some(who(5, 3)), None, NOW) else {
        panic!("not given");
    };
    assert_eq!(next.identity(), who(5, 4));
    assert_eq!(given(&next, Some(who(5, 3))), Ok(who(5, 4)));
    assert_eq!(
        given(&next, Some(who(5, 2))),
        Err(ResponseError::ProducerFenced)
    );
    assert_eq!(
        given(&next, Some(who(6, 4))),
        Err(ResponseError::ProducerFenced)
    );
}

#[test]
fn another_producer_in_between_fences_the_one_that_recovers() {
    let Ok(Init::Given(next)) = init(Some(&idle(3)), TIMEOUT, None, None, NOW) else {
        panic!("not given");
    };
    assert_eq!(
        given(&next, Some(who(5, 3))),
        Err(ResponseError::ProducerFenced)
    );
}

#[test]
fn an_open_transaction_is_aborted_at_the_next_epoch_before_an_identity_is_given() {
    let current = open(3, Protocol::V1);
    let Ok(Init::AbortFirst(ending)) = init(Some(&current), TIMEOUT, None, None, NOW) else {
        panic!("not aborted");
    };
    assert_eq!(ending.marker, who(5, 4));
    assert!(!ending.commit);
    assert_eq!(ending.partitions, current.partitions);
    assert_eq!(ending.groups, current.groups);
    assert_eq!(ending.next.state, State::CompleteAbort);
    // Asked again.
    assert_eq!(given(&ending.next, None), Ok(who(5, 5)));
}

#[test]
fn a_fenced_producer_does_not_abort_the_transaction_of_its_successor() {
    let current = open(3, Protocol::V1);
    assert_eq!(
        init(Some(&current), TIMEOUT, Some(who(5, 1)), None, NOW),
        Err(ResponseError::ProducerFenced)
    );
}

#[test]
fn where_epochs_run_out_a_new_producer_id_is_given() {
    let current = idle(LAST);
    assert_eq!(
        init(Some(&current), TIMEOUT, None, None, NOW),
        Ok(Init::NeedsProducerId)
    );
    assert_eq!(given(&current, None), Ok(who(FRESH, 0)));
    assert_eq!(given(&idle(LAST - 1), None), Ok(who(5, LAST)));

    // The answer was lost: the producer comes with what it had.
    let claimed = Some(who(5, LAST));
    let Ok(Init::Given(next)) = init(Some(&current), TIMEOUT, claimed, Some(FRESH), NOW) else {
        panic!("not given");
    };
    assert_eq!(next.identity(), who(FRESH, 0));
    assert_eq!(given(&next, claimed), Ok(who(FRESH, 0)));
    assert_eq!(
        given(&next, Some(who(5, 1))),
        Err(ResponseError::ProducerFenced)
    );
}

#[test]
fn the_last_epoch_fences_and_is_given_to_nobody() {
    let ending = abort_at_next_epoch(&open(LAST, Protocol::V1), NOW);
    assert_eq!(ending.marker, who(5, i16::MAX));
    assert_eq!(given(&ending.next, None), Ok(who(FRESH, 0)));
    assert_eq!(
        given(&ending.next, Some(who(5, LAST))),
        Ok(who(FRESH, 0)),
        "the producer that was slow"
    );
}

// Partitions and groups

#[test]
fn a_transaction_begins_with_its_first_partition_and_keeps_its_start() {
    let first = open(0, Protocol::V1);
    assert_eq!((first.state, first.started), (State::Ongoing, NOW));
    let again = enlist(
        &first,
        who(5, 0),
        [("orders", 0)].into_iter(),
        Some("billing"),
        Protocol::V1,
        NOW + 1,
    );
    assert_eq!(again, Ok(None));
    let more = enlist(
        &first,
        who(5, 0),
        [("orders", 1)].into_iter(),
        None,
        Protocol::V1,
        NOW + 1,
    );
    let more = more.expect("enlist").expect("something new");
    assert_eq!(more.started, NOW);
    assert_eq!(more.partitions().count(), 2);
}

#[test]
fn only_the_producer_of_now_may_enlist() {
    let add = |by| {
        enlist(
            &idle(3),
            by,
            [("orders", 0)].into_iter(),
            None,
            Protocol::V1,
            NOW,
        )
        .err()
    };
    assert_eq!(
        add(who(6, 3)),
        Some(ResponseError::InvalidProducerIdMapping)
    );
    assert_eq!(add(who(5, 2)), Some(ResponseError::ProducerFenced));
    assert_eq!(add(who(5, 4)), Some(ResponseError::ProducerFenced));
}

#[test]
fn offsets_are_taken_only_for_groups_in_the_transaction() {
    let current = open(0, Protocol::V1);
    assert_eq!(check_group(&current, who(5, 0), "billing"), Ok(()));
    assert_eq!(
        check_group(&current, who(5, 0), "other"),
        Err(ResponseError::TransactionAbortable)
    );
    assert_eq!(
        check_group(&current, who(5, 1), "billing"),
        Err(ResponseError::ProducerFenced)
    );
    let ending = ended(&current, who(5, 0), true, Protocol::V1).expect("ended");
    assert_eq!(
        check_group(&ending.next, who(5, 0), "billing"),
        Err(ResponseError::TransactionAbortable)
    );
}

// EndTxn, version 1

#[test]
fn version_1_keeps_the_epoch_and_answers_a_repetition() {
    for commit in [true, false] {
        let current = open(3, Protocol::V1);
        let ending = ended(&current, who(5, 3), commit, Protocol::V1).expect("ended");
        assert_eq!(ending.marker, who(5, 3));
        assert_eq!(ending.commit, commit);
        assert_eq!(ending.next.identity(), who(5, 3));
        assert_eq!(
            repeated(&ending.next, who(5, 3), commit, Protocol::V1),
            Ok(who(5, 3))
        );
        assert_eq!(
            end(&ending.next, who(5, 3), !commit, Protocol::V1, None, NOW),
            Err(ResponseError::InvalidTxnState),
            "the other direction"
        );
    }
}

#[test]
fn version_1_ends_nothing_that_never_began() {
    for commit in [true, false] {
        assert_eq!(
            end(&idle(0), who(5, 0), commit, Protocol::V1, None, NOW),
            Err(ResponseError::InvalidTxnState)
        );
    }
}

#[test]
fn version_1_fences_every_other_epoch() {
    let current = open(3, Protocol::V1);
    for epoch in [2, 4] {
        assert_eq!(
            end(&current, who(5, epoch), true, Protocol::V1, None, NOW),
            Err(ResponseError::ProducerFenced)
        );
    }
    assert_eq!(
        end(&current, who(6, 3), true, Protocol::V1, None, NOW),
        Err(ResponseError::InvalidProducerIdMapping)
    );
}

// EndTxn, version 2

#[test]
fn version_2_raises_the_epoch_in_marker_and_answer() {
    for commit in [true, false] {
        let current = open(3, Protocol::V2);
        let ending = ended(&current, who(5, 3), commit, Protocol::V2).expect("ended");
        assert_eq!(ending.marker, who(5, 4));
        assert_eq!(ending.next.identity(), who(5, 4));
        assert_eq!(
            repeated(&ending.next, who(5, 3), commit, Protocol::V2),
            Ok(who(5, 4)),
            "a repetition comes with the old epoch"
        );
        assert_eq!(
            end(&ending.next, who(5, 3), !commit, Protocol::V2, None, NOW),
            Err(ResponseError::InvalidTxnState),
            "the other direction"
        );
        assert_eq!(
            end(&ending.next, who(5, 2), commit, Protocol::V2, None, NOW),
            Err(ResponseError::ProducerFenced)
        );
    }
}

#[test]
fn version_2_aborts_and_does_not_commit_what_is_empty() {
    for current in [
        idle(3),
        ended(&open(2, Protocol::V2), who(5, 2), true, Protocol::V2)
            .expect("ended")
            .next,
        ended(&open(2, Protocol::V2), who(5, 2), false, Protocol::V2)
            .expect("ended")
            .next,
    ] {
        let ending = ended(&current, who(5, 3), false, Protocol::V2).expect("ended");
        assert!(ending.partitions.is_empty());
        assert_eq!(ending.next.identity(), who(5, 4));
        assert_eq!(ending.next.state, State::CompleteAbort);
        assert_eq!(
            end(&current, who(5, 3), true, Protocol::V2, None, NOW),
            Err(ResponseError::InvalidTxnState)
        );
    }
}

#[test]
fn version_2_gives_a_new_producer_id_where_epochs_run_out() {
    let current = open(LAST, Protocol::V2);
    assert_eq!(
        end(&current, who(5, LAST), true, Protocol::V2, None, NOW),
        Ok(End::NeedsProducerId)
    );
    let ending = ended(&current, who(5, LAST), true, Protocol::V2).expect("ended");
    assert_eq!(ending.marker, who(5, i16::MAX));
    assert_eq!(ending.next.identity(), who(FRESH, 0));
    assert_eq!(
        repeated(&ending.next, who(5, LAST), true, Protocol::V2),
        Ok(who(FRESH, 0))
    );
    // The producer that never got the answer may also start over.
    assert_eq!(
        given(&ending.next, Some(who(5, LAST))),
        Ok(who(FRESH, 0)),
        "recovery"
    );
    assert_eq!(
        end(&ending.next, who(5, 3), true, Protocol::V2, None, NOW),
        Err(ResponseError::InvalidProducerIdMapping)
    );
}

#[test]
fn absurd_epochs_are_fenced_and_overflow_nothing() {
    for epoch in [i16::MIN, -1, i16::MAX] {
        for protocol in [Protocol::V1, Protocol::V2] {
            assert_eq!(
                end(&open(3, protocol), who(5, epoch), true, protocol, None, NOW),
                Err(ResponseError::ProducerFenced)
            );
        }
    }
}

// Time

#[test]
fn after_its_timeout_a_transaction_is_aborted_and_its_producer_recovers() {
    for protocol in [Protocol::V1, Protocol::V2] {
        let current = open(3, protocol);
        assert_eq!(current.deadline(), NOW + i64::from(TIMEOUT));
        let ending = abort_at_next_epoch(&current, NOW);
        assert_eq!(ending.marker, who(5, 4));
        assert_eq!(
            given(&ending.next, Some(who(5, 3))),
            Ok(who(5, 4)),
            "the epoch of the abort, which nobody else was given"
        );
        assert_eq!(
            end(&ending.next, who(5, 3), true, Protocol::V1, None, NOW),
            Err(ResponseError::ProducerFenced)
        );
        assert_eq!(
            end(&ending.next, who(5, 3), true, Protocol::V2, None, NOW),
            Err(ResponseError::InvalidTxnState)
        );
    }
}

#[test]
fn an_unused_id_is_remembered_for_seven_days() {
    assert_eq!(idle(0).deadline(), NOW + EXPIRATION_MS);
    let ending = ended(&open(0, Protocol::V1), who(5, 0), true, Protocol::V1).expect("ended");
    assert_eq!(ending.next.deadline(), NOW + EXPIRATION_MS);
}
