//! librdkafka, as applications use it.

mod admin;
mod groups;
mod produce;
mod reader;
mod transactions;

use rdkafka::ClientConfig;

use crate::support::Target;

/// The settings that every client needs, and nothing else.
fn config(target: &Target) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &target.address);
    config
}

/// Runs what blocks beside the runtime.
async fn blocking<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(run).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
