use std::sync::mpsc;
use std::time::Duration;

use kafka_integration::embedded::EmbeddedBroker;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// An embedded broker on threads of its own: tests that block don't hold it up,
/// and child processes reach it as they reach any other.
pub(crate) struct InProcess {
    address: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    /// Goes last.
    _directory: Option<TempDir>,
}

impl InProcess {
    /// With its data in that directory, or in memory.
    pub(crate) fn start(directory: Option<TempDir>) -> Self {
        let data = directory.as_ref().map(|it| it.path().to_owned());
        let (stop, stopped) = oneshot::channel();
        let (told, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let mut builder = EmbeddedBroker::builder();
                // As tests/services/kafka.properties has it.
                builder = builder
                    .min_session_timeout(Duration::from_secs(1))
                    .consumer_session_timeout(Duration::from_secs(6))
                    .consumer_heartbeat_interval(Duration::from_millis(500));
                if let Some(data) = data {
                    builder = builder.data_dir(data);
                }
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
            _directory: directory,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            // A second panic would hide the first one.
            assert!(ended.is_ok() || std::thread::panicking(), "it failed");
        }
    }
}
