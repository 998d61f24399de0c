use std::sync::mpsc;
use std::time::Duration;

use kafka_integration::embedded::EmbeddedBroker;
use tokio::sync::oneshot;

/// An embedded broker in memory, on threads of its own: tests that block don't
/// hold it up, and child processes reach it as they reach any other.
pub(crate) struct InMemory {
    address: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl InMemory {
    pub(crate) fn start() -> Self {
        let (stop, stopped) = oneshot::channel();
        let (told, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let builder = EmbeddedBroker::builder();
                // As tests/services/kafka.properties has it.
                let builder = builder.min_session_timeout(Duration::from_secs(1));
                let broker = builder.start().await.expect("the embedded broker starts");
                told.send(broker.bootstrap_servers()).expect("a test waits");
                // Also when the test has ended without a word.
                let _ = stopped.await;
                broker.stop().await;
            });
        });
        Self {
            address: address.recv().expect("the embedded broker starts"),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for InMemory {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            // A second panic would hide the first one.
            assert!(ended.is_ok() || std::thread::panicking(), "it failed");
        }
    }
}
