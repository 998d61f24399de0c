use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;

/// Keeps the last thing that went wrong with a connection, because the calls
/// themselves only say "timed out" or "transport failure".
#[derive(Default)]
pub(super) struct AdminContext {
    last_error: Mutex<Option<String>>,
}

impl ClientContext for AdminContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
        let mut last_error = self.last_error.lock();
        // "All brokers down" follows the error that says why.
        let summary = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        if !summary || last_error.is_none() {
            *last_error = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for AdminContext {}

/// A client that asks and never consumes. It is of the consuming kind because
/// asking a producing one for a topic's metadata would create the topic.
pub(super) type AdminConsumer = BaseConsumer<AdminContext>;

pub(super) fn create(config: &ClientConfig) -> KafkaResult<AdminConsumer> {
    config.create_with_context(AdminContext::default())
}

/// Why connections fail, as far as the client has noticed.
pub(super) fn connection_error(client: &AdminConsumer) -> Option<String> {
    // They wait in the queue, among lines of the log, until it is polled; a poll
    // that found a line of the log looks like one that found nothing.
    for _ in 0..64 {
        let _ = client.poll(Duration::ZERO);
    }
    client.client().context().last_error.lock().clone()
}

/// The code of an error; rdkafka leaves out that of administration.
pub(super) fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        error => error.rdkafka_error_code(),
    }
}
