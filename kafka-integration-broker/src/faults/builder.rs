use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;

use super::FaultError;
use super::fault::Fault;
use super::filter::Filter;
use super::rules::{Action, Rules};

/// Says which requests a fault strikes, and then what it does to them. Made by
/// [`Faults::on`](crate::Faults::on) and [`Faults::on_any`](crate::Faults::on_any).
///
/// Conditions narrow: all of them must hold. An action sets the fault, which
/// then stays until it is lifted or has struck as often as
/// [`times`](Self::times) allows.
#[derive(Debug, Clone)]
#[must_use = "nothing is set before an action such as `error` or `disconnect`"]
pub struct FaultBuilder {
    pub(super) rules: Arc<Rules>,
    pub(super) filter: Filter,
    pub(super) skip: u64,
    pub(super) times: Option<u64>,
}

impl FaultBuilder {
    /// Only requests that are about this topic, by its name or by its id.
    ///
    /// A fetch is about every topic of its session. [`error`](Self::error)
    /// refuses this topic only; the other actions strike the whole request.
    pub fn topic(mut self, name: impl Into<String>) -> Self {
        self.filter.topic = Some(name.into());
        self
    }

    /// Only requests of clients with this `client.id`.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.filter.client_id = Some(id.into());
        self
    }

    /// Only requests that name this group.
    pub fn group(mut self, id: impl Into<String>) -> Self {
        self.filter.group = Some(id.into());
        self
    }

    /// Only requests that name this transactional id.
    pub fn transactional_id(mut self, id: impl Into<String>) -> Self {
        self.filter.transactional_id = Some(id.into());
        self
    }

    /// Lets the first `count` matching requests go by. The default is 0.
    pub fn skip(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Strikes `count` requests and then no more. The default is until it is
    /// lifted. The client's retries count too.
    pub fn times(mut self, count: u64) -> Self {
        self.times = Some(count);
        self
    }

    /// Refuses requests with this error and without any effect.
    ///
    /// The error is where Apache Kafka puts it: with each partition, topic,
    /// group or resource that was asked for, or with the answer as a whole.
    /// Only what matches is refused; the rest of the request is handled.
    /// Exceptions: AddPartitionsToTxn takes all or nothing, OffsetFetch has its
    /// error with a group, and OffsetDelete with the request. A Produce with
    /// `acks=0` has no answer, so its connection is closed.
    ///
    /// Every API that the broker serves has a place for an error. A request
    /// that asks for nothing, and so has no place in its answer, as Metadata
    /// for no topic before version 13, is not struck.
    ///
    /// # Errors
    /// No request could match, or the code is 0.
    ///
    /// # Examples
    /// ```
    /// use kafka_integration_broker::{ApiKey, EmbeddedBroker, ErrorCode};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().start().await?;
    /// // The first two attempts to write to `orders` fail, the third succeeds.
    /// broker
    ///     .faults()
    ///     .on(ApiKey::Produce)
    ///     .topic("orders")
    ///     .times(2)
    ///     .error(ErrorCode::NotEnoughReplicas)?;
    /// # broker.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn error(self, code: ResponseError) -> Result<Fault, FaultError> {
        if code.code() == 0 {
            return Err(FaultError::NoError);
        }
        self.set(Action::Error(code))
    }

    /// Handles requests so much later. The connection waits with them, as it
    /// takes one request at a time. Lifting the fault ends the delay at once.
    ///
    /// # Errors
    /// No request could match.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// use kafka_integration_broker::{ApiKey, EmbeddedBroker};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().start().await?;
    /// // Long enough to be lifted before: the member is held in its join.
    /// let held = broker
    ///     .faults()
    ///     .on(ApiKey::JoinGroup)
    ///     .group("billing")
    ///     .delay(Duration::from_secs(3600))?;
    /// // … start a consumer, `held.hit(1).await`, look at what it does …
    /// held.lift();
    /// # broker.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delay(self, delay: Duration) -> Result<Fault, FaultError> {
        self.set(Action::Delay(delay))
    }

    /// Closes the connection instead of handling the request.
    ///
    /// # Errors
    /// No request could match.
    ///
    /// # Examples
    /// ```
    /// use kafka_integration_broker::EmbeddedBroker;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().start().await?;
    /// // This client only, whatever it asks, until the fault is lifted.
    /// let cut = broker.faults().on_any().client_id("shop").disconnect()?;
    /// cut.lift();
    /// # broker.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn disconnect(self) -> Result<Fault, FaultError> {
        self.set(Action::Disconnect)
    }

    /// Handles the request, and then closes the connection instead of
    /// answering: the client can't know that it succeeded. This is what an
    /// idempotent producer has to survive without a duplicate.
    ///
    /// # Errors
    /// No request could match.
    ///
    /// # Examples
    /// ```
    /// use kafka_integration_broker::{ApiKey, EmbeddedBroker};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().start().await?;
    /// // The eleventh and the twelfth batch are written; nobody hears of it.
    /// broker
    ///     .faults()
    ///     .on(ApiKey::Produce)
    ///     .skip(10)
    ///     .times(2)
    ///     .lose_answer()?;
    /// # broker.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lose_answer(self) -> Result<Fault, FaultError> {
        self.set(Action::LoseAnswer)
    }

    /// Neither handles the request nor answers it, nor anything that follows on
    /// its connection, which stays open until the client closes it. Lifting
    /// the fault closes it, too.
    ///
    /// # Errors
    /// No request could match.
    ///
    /// # Examples
    /// ```
    /// use kafka_integration_broker::{ApiKey, EmbeddedBroker};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().start().await?;
    /// // The client has to give up by its own timeout.
    /// let silence = broker.faults().on(ApiKey::EndTxn).times(1).silence()?;
    /// assert_eq!(silence.hits(), 0);
    /// # broker.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn silence(self) -> Result<Fault, FaultError> {
        self.set(Action::Silence)
    }

    fn set(self, action: Action) -> Result<Fault, FaultError> {
        self.filter.check()?;
        if self.times == Some(0) {
            return Err(FaultError::NoTimes);
        }
        let rule = self.rules.set(self.filter, action, self.skip, self.times);
        Ok(Fault::new(self.rules, rule))
    }
}
