//! What every request handler sees of the broker.

use std::net::SocketAddr;
use std::sync::Arc;

use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::faults::Rules;
use crate::groups::{Coordinator, Offsets};
use crate::log::Catalogue;
use crate::options::Options;
use crate::sessions::FetchSessions;
use crate::store::{Reader, Writer};
use crate::transactions;
use crate::wire::{AnswerShare, Budget};

/// The one node of the cluster.
pub(crate) const NODE: BrokerId = BrokerId(1);

/// The broker behind its connections.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) options: Options,
    /// Survives restarts, like the node's id.
    pub(crate) cluster_id: StrBytes,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) offsets: Arc<Offsets>,
    pub(crate) groups: Coordinator,
    pub(crate) transactions: transactions::Coordinator,
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
    pub(crate) sessions: FetchSessions,
    /// What goes wrong on purpose.
    pub(crate) faults: Arc<Rules>,
    /// What requests may take of the memory.
    pub(crate) budget: Budget,
    /// Where clients are told to connect.
    pub(crate) advertised: Advertised,
    /// Cancelled when the broker begins to stop.
    pub(crate) stopping: CancellationToken,
    /// Background tasks; a stop waits for them.
    pub(crate) tasks: TaskTracker,
}

/// The address in answers to Metadata and FindCoordinator.
#[derive(Debug, Clone)]
pub(crate) struct Advertised {
    pub(crate) host: StrBytes,
    pub(crate) port: u16,
}

/// Who sent a request, and how.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    pub(crate) core: Arc<Core>,
    pub(crate) version: i16,
    /// Empty when the client sent none.
    pub(crate) client_id: StrBytes,
    pub(crate) peer: SocketAddr,
    /// No other connection has had this number.
    pub(crate) connection: u64,
    /// For the connection that waits to begin with the next request.
    pub(crate) ahead: Ahead,
    /// The answer's share of the memory.
    pub(crate) share: AnswerShare,
}

/// Tells a connection that a request is past the point at which its order
/// matters, so that the next one may begin.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ahead(Arc<Notify>);

impl Ahead {
    /// The next request may begin.
    pub(crate) fn give(&self) {
        self.0.notify_one();
    }

    /// Waits for it.
    pub(crate) async fn given(&self) {
        self.0.notified().await;
    }
}
