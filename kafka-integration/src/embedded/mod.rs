//! A broker in the process, for development and tests: librdkafka's mock
//! cluster until the embedded broker proper takes its place.

use std::sync::mpsc;
use std::thread::JoinHandle;

use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;

/// A running broker; dropping it ends it, and its data with it.
pub struct EmbeddedBroker {
    address: String,
    stop: mpsc::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedBroker {
    /// Starts a broker on a free port of the loopback interface.
    ///
    /// # Errors
    /// When librdkafka can't start it.
    pub fn start() -> Result<Self, KafkaError> {
        // The cluster's handle may not leave the thread that made it.
        let (started, wait_started) = mpsc::channel();
        let (stop, wait_stop) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("kafka-embedded".into())
            .spawn(move || match MockCluster::new(1) {
                Ok(cluster) => {
                    let _ = started.send(Ok(cluster.bootstrap_servers()));
                    let _ = wait_stop.recv();
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            })
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        let address = wait_started
            .recv()
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))??;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// The address for `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> &str {
        &self.address
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
