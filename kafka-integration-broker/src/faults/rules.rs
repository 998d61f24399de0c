//! The faults that are set, and the connections they may be limited to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiKey;
use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHashSet;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::filter::Filter;
use super::subject::Subject;
use crate::api::Code;

/// What a fault does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Error(ResponseError),
    Delay(Duration),
    Disconnect,
    LoseAnswer,
    Silence,
}

/// A fault, as those who wait for it share it.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) filter: Filter,
    pub(super) action: Action,
    /// Ends what the fault does at this moment, too.
    pub(super) lifted: CancellationToken,
    pub(super) hits: watch::Sender<u64>,
}

impl Rule {
    pub(super) fn count_hit(&self) {
        self.hits.send_modify(|hits| *hits += 1);
    }
}

/// A fault that can still strike.
#[derive(Debug)]
pub(super) struct Armed {
    pub(super) rule: Arc<Rule>,
    /// Requests that still go by.
    skip: u64,
    /// How often it still strikes, if that is limited.
    left: Option<u64>,
    /// The connections it strikes once each, if it is limited to some.
    only: Option<FxHashSet<u64>>,
}

impl Armed {
    pub(super) fn admits(&self, who: &Who<'_>) -> bool {
        self.left != Some(0)
            && self.rule.filter.admits(who.api, who.client_id)
            && self
                .only
                .as_ref()
                .is_none_or(|only| only.contains(&who.connection))
    }

    pub(super) fn matches(&self, api: ApiKey, subject: &Subject<'_>) -> bool {
        self.rule.filter.matches(api, subject)
    }

    /// Counts a request that matches; tells whether it is struck.
    pub(super) fn strikes(&mut self, who: &Who<'_>) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        if let Some(only) = &mut self.only {
            only.remove(&who.connection);
        }
        true
    }

    fn is_spent(&self) -> bool {
        self.left == Some(0) || self.only.as_ref().is_some_and(FxHashSet::is_empty)
    }
}

/// Who sends a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who<'a> {
    pub(super) api: ApiKey,
    pub(super) client_id: &'a str,
    pub(super) connection: u64,
}

/// All faults of a broker. They outlive a restart.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// How many are armed, so that a broker without any is not slowed down.
    armed: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// In the order in which they were set.
    armed: Vec<Armed>,
    connections: FxHashSet<u64>,
    next_connection: u64,
    /// Parent of every fault's `lifted`, those that are spent included.
    cleared: CancellationToken,
}

/// An open connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Connected {
    rules: Arc<Rules>,
    pub(crate) id: u64,
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut inner = self.rules.inner.lock();
        inner.connections.remove(&self.id);
        for armed in &mut inner.armed {
            if let Some(only) = &mut armed.only {
                only.remove(&self.id);
            }
        }
        self.rules.tidy(&mut inner);
    }
}

impl Rules {
    /// Whether any fault is set.
    pub(crate) fn any(&self) -> bool {
        self.armed.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn connected(self: &Arc<Self>) -> Connected {
        let mut inner = self.inner.lock();
        let id = inner.next_connection;
        inner.next_connection += 1;
        inner.connections.insert(id);
        Connected {
            rules: Arc::clone(self),
            id,
        }
    }

    pub(super) fn set(
        &self,
        filter: Filter,
        action: Action,
        skip: u64,
        times: Option<u64>,
    ) -> Arc<Rule> {
        self.arm(&mut self.inner.lock(), filter, action, skip, times, None)
    }

    /// Tells each of the connections that exist now, once, that another broker
    /// is the coordinator.
    pub(super) fn move_coordinator(&self, key: &str) -> Arc<Rule> {
        let mut inner = self.inner.lock();
        let filter = Filter {
            coordinated: Some(key.to_owned()),
            ..Filter::default()
        };
        let action = Action::Error(ResponseError::NotCoordinator);
        let only = Some(inner.connections.clone());
        self.arm(&mut inner, filter, action, 0, None, only)
    }

    fn arm(
        &self,
        inner: &mut MutexGuard<'_, Inner>,
        filter: Filter,
        action: Action,
        skip: u64,
        left: Option<u64>,
        only: Option<FxHashSet<u64>>,
    ) -> Arc<Rule> {
        let rule = Arc::new(Rule {
            filter,
            action,
            lifted: inner.cleared.child_token(),
            hits: watch::Sender::new(0),
        });
        inner.armed.push(Armed {
            rule: Arc::clone(&rule),
            skip,
            left,
            only,
        });
        self.tidy(inner);
        rule
    }

    pub(super) fn lift(&self, rule: &Arc<Rule>) {
        let mut inner = self.inner.lock();
        inner.armed.retain(|armed| !Arc::ptr_eq(&armed.rule, rule));
        self.tidy(&mut inner);
        rule.lifted.cancel();
    }

    pub(super) fn clear(&self) {
        let mut inner = self.inner.lock();
        inner.armed.clear();
        self.tidy(&mut inner);
        std::mem::take(&mut inner.cleared).cancel();
    }

    /// Lets `strike` go through the faults, in order.
    pub(super) fn with<T>(&self, strike: impl FnOnce(&mut [Armed]) -> T) -> T {
        let mut inner = self.inner.lock();
        let struck = strike(&mut inner.armed);
        self.tidy(&mut inner);
        struck
    }

    fn tidy(&self, inner: &mut Inner) {
        inner.armed.retain(|armed| !armed.is_spent());
        self.armed.store(inner.armed.len(), Ordering::Relaxed);
    }
}

impl Action {
    /// The error's number, if it is one.
    pub(super) fn code(self) -> Option<i16> {
        match self {
            Self::Error(error) => Some(error.number()),
            _ => None,
        }
    }
}
