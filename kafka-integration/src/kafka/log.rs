use rdkafka::config::RDKafkaLogLevel;

/// Passes a line of librdkafka's log on, under the target `librdkafka`.
pub(crate) fn log_client(level: RDKafkaLogLevel, facility: &str, message: &str) {
    logged(|| match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => {
            tracing::error!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Warning => {
            tracing::warn!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Debug => {
            tracing::debug!(target: "librdkafka", facility, "{message}");
        }
    });
}

/// Writes a log on a thread whose end would be worse than a lost line: a
/// subscriber may panic, as `tracing-subscriber` does when standard error is
/// closed.
pub(crate) fn logged(write: impl FnOnce()) {
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(write));
}
