use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use kafka_integration::prelude::*;
use kafka_integration::retry::RetryPolicy;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

type Outcome = Pin<Box<dyn Future<Output = Result<(), ConsumeError>> + Send>>;

/// A topic whose name and consume hook a test gives.
pub struct Probe {
    name: String,
    hook: Box<dyn Fn(Message<Probe>, Context) -> Outcome + Send + Sync>,
    retry: Option<RetryPolicy>,
}

impl Probe {
    /// Of that name, with that hook.
    pub fn new<F>(
        name: impl Into<String>,
        hook: impl Fn(Message<Self>, Context) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), ConsumeError>> + Send + 'static,
    {
        Self {
            name: name.into(),
            hook: Box::new(move |message, cx| Box::pin(hook(message, cx))),
            retry: None,
        }
    }

    /// Calls its hook.
    ///
    /// # Errors
    /// What the hook returns.
    pub async fn call(&self, message: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
        (self.hook)(message, cx.clone()).await
    }

    /// With a policy of its own.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Only to produce to.
    pub fn produce_only(name: impl Into<String>) -> Self {
        Self::new(name, |_, _| async { Ok(()) })
    }
}

impl Topic for Probe {
    type Key = String;
    type Value = OrTombstone<Value>;
    type Codec = Json;

    fn name(&self) -> &str {
        &self.name
    }

    fn retry(&self) -> Option<RetryPolicy> {
        self.retry.clone()
    }
}

impl Consume for Probe {
    async fn consume(&self, message: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
        self.call(message, cx).await
    }
}

/// Consumers that run until they are stopped.
pub struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), kafka_integration::runner::RunError>>,
    /// What they are doing.
    pub status: kafka_integration::runner::StatusHandle,
}

impl Running {
    /// Starts consumers.
    pub fn start(kafka: &Kafka, specs: impl IntoIterator<Item = ConsumerSpec>) -> Self {
        let mut registry = Registry::new();
        for spec in specs {
            registry.add(spec);
        }
        let runner = Runner::new(kafka.clone(), registry);
        let status = runner.status();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(runner.run(async {
            let _ = stopped.await;
        }));
        Self { stop, task, status }
    }

    /// Asks them to end and waits until they have.
    ///
    /// # Panics
    /// When they ended with an error.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let ended = self.task.await.expect("the runner does not panic");
        ended.expect("the consumers end well");
    }

    /// Waits until they end by themselves.
    ///
    /// # Errors
    /// What the runner returned.
    ///
    /// # Panics
    /// When the runner panicked.
    pub async fn ended(self) -> Result<(), kafka_integration::runner::RunError> {
        let _stop = self.stop;
        self.task.await.expect("the runner does not panic")
    }
}

/// Waits until something holds.
///
/// # Panics
/// When it does not within half a minute, naming what was waited for.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
