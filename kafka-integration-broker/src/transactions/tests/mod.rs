//! The promises of the transaction protocol.

mod fixture;
mod machine;
mod store;

use super::transaction::Transaction;
use super::{Identity, Protocol};

const NOW: i64 = 1_000_000;
const TIMEOUT: i32 = 60_000;

fn who(producer_id: i64, epoch: i16) -> Identity {
    Identity { producer_id, epoch }
}

/// A transactional id that was just given producer id 5 at this epoch.
fn idle(epoch: i16) -> Transaction {
    Transaction {
        epoch,
        ..Transaction::new(5, TIMEOUT, NOW)
    }
}

/// The same with a transaction on one partition and for one group.
fn open(epoch: i16, protocol: Protocol) -> Transaction {
    super::enlist::enlist(
        &idle(epoch),
        who(5, epoch),
        [("orders", 0)].into_iter(),
        Some("billing"),
        protocol,
        NOW,
    )
    .expect("enlist")
    .expect("something new")
}
