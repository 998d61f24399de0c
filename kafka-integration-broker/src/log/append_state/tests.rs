use super::*;

const PRODUCER: i64 = 7;

fn batch(epoch: i16, sequence: i32, count: i32, attributes: i16) -> BatchHeader {
    BatchHeader {
        base_offset: 0,
        length: 0,
        leader_epoch: 0,
        magic: 2,
        crc: 0,
        attributes,
        last_offset_delta: count - 1,
        base_timestamp: 0,
        max_timestamp: 0,
        producer_id: PRODUCER,
        producer_epoch: epoch,
        base_sequence: sequence,
        count,
    }
}

fn idempotent(epoch: i16, sequence: i32, count: i32) -> BatchHeader {
    batch(epoch, sequence, count, 0)
}

fn transactional(epoch: i16, sequence: i32, count: i32) -> BatchHeader {
    batch(epoch, sequence, count, 0x10)
}

/// Appends at the end, as the writer does; returns the decision.
fn write(state: &mut AppendState, batch: BatchHeader) -> Result<Sequenced, SequenceError> {
    let decided = state.sequence(&batch)?;
    if decided == Sequenced::New {
        let base = state.next_offset;
        state.next_offset += i64::from(batch.count);
        state.appended(&batch, base, 1);
    }
    Ok(decided)
}

fn out_of_order(expected: i32, found: i32) -> Result<Sequenced, SequenceError> {
    Err(SequenceError::OutOfOrder { expected, found })
}

#[test]
fn the_last_five_batches_are_known_again_and_a_sixth_is_not() {
    let mut state = AppendState::default();
    for at in 0..6 {
        assert_eq!(
            write(&mut state, idempotent(0, at * 2, 2)),
            Ok(Sequenced::New)
        );
    }
    for at in 1..6 {
        let Ok(Sequenced::Duplicate(seen)) = state.sequence(&idempotent(0, at * 2, 2)) else {
            panic!("batch {at} was not recognised");
        };
        assert_eq!(seen.base_offset, i64::from(at) * 2);
    }
    assert_eq!(state.sequence(&idempotent(0, 0, 2)), out_of_order(12, 0));
    // Half of a batch is none of them.
    assert_eq!(state.sequence(&idempotent(0, 10, 1)), out_of_order(12, 10));
}

#[test]
fn sequences_go_on_over_the_largest() {
    let mut state = AppendState::default();
    write(&mut state, idempotent(0, i32::MAX - 1, 2)).expect("first");
    assert_eq!(
        state.sequence(&idempotent(0, i32::MAX, 1)),
        out_of_order(0, i32::MAX)
    );
    assert_eq!(write(&mut state, idempotent(0, 0, 1)), Ok(Sequenced::New));
}

#[test]
fn a_later_epoch_begins_at_zero_and_fences_the_earlier() {
    let mut state = AppendState::default();
    write(&mut state, idempotent(3, 40, 1)).expect("an unknown producer may begin anywhere");
    assert_eq!(state.sequence(&idempotent(4, 41, 1)), out_of_order(0, 41));
    write(&mut state, idempotent(4, 0, 1)).expect("a later epoch");
    assert_eq!(
        state.sequence(&idempotent(3, 41, 1)),
        Err(SequenceError::Fenced {
            current: 4,
            found: 3
        })
    );
}

#[test]
fn a_transactional_batch_needs_the_partition_in_the_transaction() {
    let mut state = AppendState::default();
    let first = transactional(0, 0, 1);
    assert_eq!(state.sequence(&first), Err(SequenceError::NotInTransaction));
    state.enter_transaction(PRODUCER, 0, false);
    // An epoch that the coordinator never gave.
    assert_eq!(
        state.sequence(&transactional(1, 0, 1)),
        Err(SequenceError::NotInTransaction)
    );
    assert_eq!(write(&mut state, first), Ok(Sequenced::New));
    assert_eq!(state.first_unstable(), Some(0));
    assert_eq!(
        state.sequence(&idempotent(0, 1, 1)),
        Err(SequenceError::OutsideTransaction)
    );
    assert_eq!(state.end_transaction(PRODUCER, 0, 0, 1), Some(0));
    assert_eq!(state.first_unstable(), None);
    assert_eq!(
        state.sequence(&transactional(0, 1, 1)),
        Err(SequenceError::NotInTransaction)
    );
}

#[test]
fn an_unheard_producer_begins_anywhere_unless_it_numbers_anew() {
    let mut state = AppendState::default();
    state.enter_transaction(PRODUCER, 0, false);
    assert_eq!(
        state.sequence(&transactional(0, 17, 1)),
        Ok(Sequenced::New),
        "transaction version 1"
    );
    let mut state = AppendState::default();
    state.enter_transaction(PRODUCER, 0, true);
    assert_eq!(
        state.sequence(&transactional(0, 17, 1)),
        out_of_order(0, 17),
        "transaction version 2"
    );
    assert_eq!(
        state.sequence(&transactional(0, 0, 1)),
        Ok(Sequenced::New),
        "transaction version 2"
    );
}

#[test]
fn sequences_go_on_after_a_marker_of_the_same_epoch_and_begin_anew_after_a_higher() {
    let mut state = AppendState::default();
    state.enter_transaction(PRODUCER, 0, false);
    write(&mut state, transactional(0, 0, 3)).expect("first");
    state.end_transaction(PRODUCER, 0, 0, 1);

    state.enter_transaction(PRODUCER, 0, false);
    assert_eq!(
        state.sequence(&transactional(0, 0, 1)),
        out_of_order(3, 0),
        "the epoch stayed"
    );
    write(&mut state, transactional(0, 3, 1)).expect("goes on");
    state.end_transaction(PRODUCER, 1, 0, 1);

    assert_eq!(
        state.sequence(&transactional(0, 4, 1)),
        Err(SequenceError::Fenced {
            current: 1,
            found: 0
        })
    );
    state.enter_transaction(PRODUCER, 1, true);
    assert_eq!(state.sequence(&transactional(1, 4, 1)), out_of_order(0, 4));
    assert_eq!(
        write(&mut state, transactional(1, 0, 1)),
        Ok(Sequenced::New)
    );
}

#[test]
fn a_marker_with_no_records_ends_nothing_and_the_next_batch_begins_at_zero() {
    let mut state = AppendState::default();
    state.enter_transaction(PRODUCER, 0, false);
    assert_eq!(state.end_transaction(PRODUCER, 0, 0, 1), None);
    state.enter_transaction(PRODUCER, 0, false);
    assert_eq!(state.sequence(&transactional(0, 5, 1)), out_of_order(0, 5));
}

#[test]
fn a_marker_never_lowers_the_epoch() {
    let mut state = AppendState::default();
    state.enter_transaction(PRODUCER, 5, false);
    write(&mut state, transactional(5, 0, 1)).expect("first");
    assert_eq!(state.end_transaction(PRODUCER, 4, 0, 1), Some(0));
    assert_eq!(state.producers[&PRODUCER].epoch, 5);
}

#[test]
fn the_oldest_of_several_open_transactions_counts() {
    let mut state = AppendState::default();
    for producer in [1, 2] {
        state.enter_transaction(producer, 0, false);
        let mut first = transactional(0, 0, 1);
        first.producer_id = producer;
        write(&mut state, first).expect("first");
    }
    assert_eq!(state.first_unstable(), Some(0));
    state.end_transaction(2, 0, 0, 1);
    assert_eq!(state.first_unstable(), Some(0));
    state.end_transaction(1, 0, 0, 1);
    assert_eq!(state.first_unstable(), None);
}
