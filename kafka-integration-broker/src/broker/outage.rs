//! Outages of the whole broker, for tests of how clients take them.

use std::sync::Arc;

use tokio::net::TcpListener;

use super::{EmbeddedBroker, EmbeddedBrokerBuilder};
use crate::faults::{Fault, Faults};
use crate::net::Door;
use crate::start_error::StartError;

impl EmbeddedBroker {
    /// What goes wrong on purpose with single requests. Nothing does at first.
    pub fn faults(&self) -> Faults {
        Faults::new(Arc::clone(&self.core.faults))
    }

    /// Lets a coordinator seem to move to another broker and back: every
    /// connection that exists now is told `NOT_COORDINATOR` once, at its next
    /// request that a coordinator of this key serves, and goes on after that.
    /// Members stay members, and open transactions stay open. A connection
    /// that waits in such a request is told at the one after it.
    ///
    /// The key is a group's id or a transactional id.
    ///
    /// # Examples
    /// ```
    /// use kafka_integration_broker::EmbeddedBroker;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().start().await?;
    /// let moved = broker.move_coordinator("billing");
    /// // … the consumer looks for the coordinator again, and goes on …
    /// println!("{} connections were sent away", moved.hits());
    /// # broker.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn move_coordinator(&self, key: impl AsRef<str>) -> Fault {
        self.faults().move_coordinator(key.as_ref())
    }

    /// Makes a group rebalance, though nobody came or went. Members of the
    /// classic protocol hear it at their next heartbeat and join again; in
    /// the consumer protocol the group's epoch rises. When this returns the
    /// rebalance has begun. A group without members is left as it is.
    ///
    /// # Examples
    /// ```
    /// use kafka_integration_broker::EmbeddedBroker;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().start().await?;
    /// broker.force_rebalance("billing").await;
    /// # broker.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn force_rebalance(&self, group: impl AsRef<str>) {
        self.core.groups.force_rebalance(group.as_ref()).await;
    }

    /// Closes the listener and every connection, as if the network were gone.
    /// Requests in work get no answer, though they may have had their effect.
    /// Data and groups stay, in memory too, but time goes on: members that can't
    /// send heartbeats lose their session, transactions time out.
    ///
    /// Does nothing when it is offline already.
    ///
    /// # Examples
    /// ```
    /// use kafka_integration_broker::EmbeddedBroker;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut broker = EmbeddedBroker::builder().start().await?;
    /// broker.go_offline().await;
    /// assert!(std::net::TcpStream::connect(broker.address()).is_err());
    /// broker.come_back().await?;
    /// assert!(std::net::TcpStream::connect(broker.address()).is_ok());
    /// # broker.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn go_offline(&mut self) {
        if let Some(door) = self.door.take() {
            door.close().await;
        }
    }

    /// Listens again, on the same address. Does nothing when it is not offline.
    ///
    /// # Errors
    /// Somebody else has taken the address meanwhile. The broker stays offline,
    /// and can be asked again.
    pub async fn come_back(&mut self) -> Result<(), StartError> {
        if self.door.is_some() {
            return Ok(());
        }
        let address = self.address;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| StartError::Listen { address, source })?;
        self.door = Some(Door::open(listener, &self.core));
        Ok(())
    }

    /// Stops the broker and starts it again as it was built: on the same
    /// address, on the same data directory, with the faults that are set.
    ///
    /// **A broker in memory comes back empty**, without topics, groups and
    /// offsets, and as another cluster. To keep them, use
    /// [`go_offline`](Self::go_offline) and [`come_back`](Self::come_back), or
    /// a data directory.
    ///
    /// # Errors
    /// It could not start again, and is gone.
    ///
    /// # Examples
    /// ```
    /// use kafka_integration_broker::EmbeddedBroker;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let directory = tempfile::tempdir()?;
    /// let broker = EmbeddedBroker::builder().data_dir(&directory).start().await?;
    /// let address = broker.address();
    /// let broker = broker.restart().await?;
    /// assert_eq!(broker.address(), address);
    /// # broker.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn restart(self) -> Result<Self, StartError> {
        let faults = Arc::clone(&self.core.faults);
        let builder = EmbeddedBrokerBuilder {
            listen: self.address,
            ..self.builder.clone()
        };
        self.stop().await;
        builder.start_with(faults).await
    }
}
