use std::sync::Arc;

use kafka_protocol::messages::ApiKey;

use super::FaultBuilder;
use super::filter::Filter;
use super::rules::{Rule, Rules};

/// What goes wrong on purpose, for tests of how a client takes it.
///
/// From [`EmbeddedBroker::faults`](crate::EmbeddedBroker::faults); clones are
/// the same faults. A fault strikes requests that come after it was set: a
/// fetch or a join that waits already is not disturbed.
///
/// Several faults can strike one request, in the order in which they were set.
/// Delays add up, answers with errors are joined, and the first that refuses
/// the whole, disconnects or silences decides: those after it neither strike
/// nor count the request. Faults outlive a
/// [restart](crate::EmbeddedBroker::restart).
///
/// # Examples
/// ```
/// use kafka_integration_broker::{ApiKey, EmbeddedBroker, ErrorCode};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let broker = EmbeddedBroker::builder().start().await?;
/// let faults = broker.faults();
/// let refused = faults
///     .on(ApiKey::Produce)
///     .topic("orders")
///     .error(ErrorCode::PolicyViolation)?;
/// // … let the application write to `orders`, see what it makes of it …
/// println!("refused {} times", refused.hits());
/// faults.clear();
/// # broker.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Faults {
    rules: Arc<Rules>,
}

impl Faults {
    pub(crate) fn new(rules: Arc<Rules>) -> Self {
        Self { rules }
    }

    /// A fault for the requests of one API.
    pub fn on(&self, api: ApiKey) -> FaultBuilder {
        self.build(Filter {
            api: Some(api),
            ..Filter::default()
        })
    }

    /// A fault for requests of all APIs, those included by which a client
    /// connects, unless they are narrowed by a condition. They need not name
    /// what a condition asks for: then they don't match.
    pub fn on_any(&self) -> FaultBuilder {
        self.build(Filter::default())
    }

    /// Lifts all faults, those of other clones included, and
    /// [moves of coordinators](crate::EmbeddedBroker::move_coordinator).
    pub fn clear(&self) {
        self.rules.clear();
    }

    /// See [`EmbeddedBroker::move_coordinator`](crate::EmbeddedBroker::move_coordinator).
    pub(crate) fn move_coordinator(&self, key: &str) -> Fault {
        Fault::new(Arc::clone(&self.rules), self.rules.move_coordinator(key))
    }

    fn build(&self, filter: Filter) -> FaultBuilder {
        FaultBuilder {
            rules: Arc::clone(&self.rules),
            filter,
            skip: 0,
            times: None,
        }
    }
}

/// A fault that was set. Dropping it does not lift it: a fault that nobody
/// has to hold can be set in one line. Clones are the same fault.
#[derive(Debug, Clone)]
pub struct Fault {
    rules: Arc<Rules>,
    rule: Arc<Rule>,
}

impl Fault {
    pub(super) fn new(rules: Arc<Rules>, rule: Arc<Rule>) -> Self {
        Self { rules, rule }
    }

    /// How many requests it has struck. A lost answer counts when the request
    /// was handled, the others when they begin.
    pub fn hits(&self) -> u64 {
        *self.rule.hits.borrow()
    }

    /// Waits until it has struck `count` requests; for ever if it never does,
    /// so a test wants a timeout around it.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use kafka_integration_broker::{ApiKey, EmbeddedBroker, ErrorCode};
    /// use tokio::time::timeout;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().start().await?;
    /// let refused = broker
    ///     .faults()
    ///     .on(ApiKey::ApiVersions)
    ///     .times(1)
    ///     .error(ErrorCode::ClusterAuthorizationFailed)?;
    ///
    /// // Any client begins with this; here by hand, in version 0.
    /// let mut client = tokio::net::TcpStream::connect(broker.address()).await?;
    /// let request = b"\0\0\0\x0a\0\x12\0\0\0\0\0\x07\xff\xff";
    /// tokio::io::AsyncWriteExt::write_all(&mut client, request).await?;
    ///
    /// timeout(Duration::from_secs(20), refused.hit(1)).await?;
    /// # broker.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn hit(&self, count: u64) {
        let mut hits = self.rule.hits.subscribe();
        // The sender lives as long as this fault, so this only ends by hits.
        let _ = hits.wait_for(|hits| *hits >= count).await;
    }

    /// It strikes no more. Requests it delays go on at once; connections it
    /// keeps silent are closed. Lifting it again does nothing.
    pub fn lift(&self) {
        self.rules.lift(&self.rule);
    }
}
