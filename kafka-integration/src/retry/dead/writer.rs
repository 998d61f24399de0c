//! Transactions, as librdkafka wants its errors taken.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{Producer, ProducerContext, ThreadedProducer};

use super::DeadLetterError;
use crate::kafka::log_client;
use crate::producer::{Outgoing, moves};

/// The broker aborts a transaction whose process is gone after this. Ours take
/// a fraction of a second.
const TRANSACTION_TIMEOUT_MS: &str = "60000";

/// librdkafka wants it below that of the transaction.
const MESSAGE_TIMEOUT_MS: &str = "45000";

/// How long one call waits before it is made again.
const CALL: Duration = Duration::from_secs(10);

/// How long a call is made again while its error passes.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often a transaction is tried whose error passes.
const ATTEMPTS: u32 = 5;

/// How long a full queue is left to empty itself.
const FULL_QUEUE: Duration = Duration::from_millis(10);

/// A transactional producer. All of it blocks.
pub(super) struct Writer {
    producer: ThreadedProducer<Deliveries>,
    topic: String,
}

#[derive(Default)]
struct Deliveries {
    state: Mutex<Delivered>,
    all_reported: Condvar,
}

#[derive(Default)]
struct Delivered {
    /// Records whose delivery was not reported yet.
    pending: usize,
    /// The first record of this transaction that was not delivered.
    failed: Option<(usize, RDKafkaErrorCode)>,
}

impl Deliveries {
    /// Waits until every record is delivered or not; `false` when that takes too
    /// long. rdkafka's own flush waits for events that the polling thread takes.
    fn wait(&self) -> bool {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state.lock();
        while state.pending > 0 {
            if self.all_reported.wait_until(&mut state, until).timed_out() {
                return false;
            }
        }
        true
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_client(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let mut state = self.state.lock();
        if let Err((error, _)) = result {
            let code = error.rdkafka_error_code();
            let code = code.unwrap_or(RDKafkaErrorCode::Unknown);
            // The others of a broken transaction are thrown away; that is no
            // reason.
            let reason = !is_consequence(code);
            let failed = state.failed;
            if failed.is_none_or(|(_, before)| reason && is_consequence(before)) {
                state.failed = Some((index, code));
            }
        }
        state.pending = state.pending.saturating_sub(1);
        if state.pending == 0 {
            self.all_reported.notify_all();
        }
    }
}

fn is_consequence(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::PurgeQueue
            | RDKafkaErrorCode::PurgeInflight
            | RDKafkaErrorCode::InvalidDifferentRecord
    )
}

/// A record and where it goes.
pub(super) struct Addressed {
    pub(super) target: String,
    pub(super) record: Outgoing,
}

/// Why a transaction was not committed.
pub(super) enum Failed {
    /// That record of it was refused, and will be. A batch is refused as a
    /// whole: the record is the first of its batch, not always the one that is
    /// meant. The journal's record comes after the others.
    Refused(usize, RDKafkaErrorCode),
    Transaction(DeadLetterError),
}

/// What an error asks for.
enum Next {
    Again,
    Abort,
    End(DeadLetterError),
}

impl Writer {
    /// Takes a configuration made with [`moves::overrides`]. Connects, and ends
    /// what earlier writers for the same dead letters left open: from here on
    /// they are fenced.
    ///
    /// # Errors
    /// When the client can't be made, or the brokers refuse.
    pub(super) fn open(mut config: ClientConfig, topic: &str) -> Result<Self, DeadLetterError> {
        moves::suit(&mut config);
        config
            .set("transactional.id", format!("kafka-dlt.{topic}"))
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS)
            .set("message.timeout.ms", MESSAGE_TIMEOUT_MS);
        let producer = config
            .create_with_context(Deliveries::default())
            .map_err(|source| DeadLetterError::Client {
                topic: topic.to_owned(),
                source,
            })?;
        let writer = Self {
            producer,
            topic: topic.to_owned(),
        };
        writer.insist("starting transactions", || {
            writer.producer.init_transactions(CALL)
        })?;
        Ok(writer)
    }

    /// Produces these and the journal's record in one transaction, all or none.
    ///
    /// # Errors
    /// When it is not committed, or that is not known.
    pub(super) fn commit(&self, records: &[Addressed], journal: &Addressed) -> Result<(), Failed> {
        let mut attempt = 1;
        loop {
            let Err((action, error)) = self.attempt(records, journal)? else {
                return Ok(());
            };
            self.abort()?;
            if attempt == ATTEMPTS {
                return Err(Failed::Transaction(self.failed(action, error)));
            }
            tracing::warn!(topic = self.topic, attempt, "{action}: {error}; once more");
            std::thread::sleep(Duration::from_millis(100) * 2_u32.pow(attempt));
            attempt += 1;
        }
    }

    /// One transaction. The inner error is one that it is to be aborted for,
    /// and that may pass.
    fn attempt(
        &self,
        records: &[Addressed],
        journal: &Addressed,
    ) -> Result<Result<(), (&'static str, String)>, Failed> {
        let deliveries = self.producer.context();
        deliveries.state.lock().failed = None;
        if let Err(error) = self.producer.begin_transaction() {
            return Err(Failed::Transaction(
                self.ended("beginning a transaction", &error),
            ));
        }
        for (index, addressed) in records.iter().chain([journal]).enumerate() {
            if let Err(error) = self.send(index, addressed) {
                return self.judge_delivery(index, error);
            }
        }
        const PRODUCING: &str = "producing";
        if !deliveries.wait() {
            return Ok(Err((PRODUCING, "no broker answers".to_owned())));
        }
        let failed = deliveries.state.lock().failed;
        if let Some((index, code)) = failed {
            return self.judge_delivery(index, code);
        }
        let until = Instant::now() + PATIENCE;
        const COMMITTING: &str = "committing a transaction";
        loop {
            let Err(error) = self.producer.commit_transaction(CALL) else {
                return Ok(Ok(()));
            };
            match self.next(COMMITTING, &error) {
                Next::Again if Instant::now() < until => {}
                Next::Again => {
                    let failed = self.failed(COMMITTING, error.to_string());
                    return Err(Failed::Transaction(failed));
                }
                Next::Abort => return Ok(Err((COMMITTING, error.to_string()))),
                Next::End(error) => return Err(Failed::Transaction(error)),
            }
        }
    }

    fn send(&self, index: usize, addressed: &Addressed) -> Result<(), RDKafkaErrorCode> {
        let deliveries = self.producer.context();
        deliveries.state.lock().pending += 1;
        let sent = self.enqueue(index, addressed);
        if sent.is_err() {
            deliveries.state.lock().pending -= 1;
        }
        sent
    }

    fn enqueue(&self, index: usize, addressed: &Addressed) -> Result<(), RDKafkaErrorCode> {
        let mut client_record = addressed.record.to_client(&addressed.target, index);
        loop {
            match self.producer.send(client_record) {
                Ok(()) => return Ok(()),
                Err((error, back)) => match error.rdkafka_error_code() {
                    Some(RDKafkaErrorCode::QueueFull) => {
                        std::thread::sleep(FULL_QUEUE);
                        client_record = back;
                    }
                    code => return Err(code.unwrap_or(RDKafkaErrorCode::InvalidArgument)),
                },
            }
        }
    }

    /// What it means that a record was not delivered.
    fn judge_delivery(
        &self,
        index: usize,
        code: RDKafkaErrorCode,
    ) -> Result<Result<(), (&'static str, String)>, Failed> {
        if let Some(ended) = self.fatal("producing") {
            return Err(Failed::Transaction(ended));
        }
        if !is_refusal(code) {
            return Ok(Err(("producing", code.to_string())));
        }
        self.abort()?;
        Err(Failed::Refused(index, code))
    }

    fn abort(&self) -> Result<(), Failed> {
        self.insist("aborting a transaction", || {
            self.producer.abort_transaction(CALL)
        })
        .map_err(Failed::Transaction)
    }

    /// Calls until it is done or its error does not pass.
    fn insist(
        &self,
        action: &'static str,
        call: impl Fn() -> Result<(), KafkaError>,
    ) -> Result<(), DeadLetterError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let Err(error) = call() else { return Ok(()) };
            match self.next(action, &error) {
                Next::Again if Instant::now() < until => {}
                Next::Again | Next::Abort => return Err(self.failed(action, error.to_string())),
                Next::End(error) => return Err(error),
            }
        }
    }

    fn next(&self, action: &'static str, error: &KafkaError) -> Next {
        match error {
            KafkaError::Transaction(error) if error.is_retriable() => Next::Again,
            KafkaError::Transaction(error) if error.txn_requires_abort() => Next::Abort,
            // Records that still wait for their broker.
            KafkaError::Flush(_) => Next::Again,
            error => Next::End(self.ended(action, error)),
        }
    }

    /// An error after which this writer is of no use.
    fn ended(&self, action: &'static str, error: &KafkaError) -> DeadLetterError {
        let fenced = match error {
            KafkaError::Transaction(error) => is_fenced(error.code()),
            _ => false,
        };
        if fenced {
            let topic = self.topic.clone();
            return DeadLetterError::Fenced { topic };
        }
        self.fatal(action)
            .unwrap_or_else(|| self.failed(action, error.to_string()))
    }

    /// What ended the client, if anything did.
    fn fatal(&self, action: &'static str) -> Option<DeadLetterError> {
        let (code, reason) = self.producer.client().fatal_error()?;
        Some(match is_fenced(code) {
            true => DeadLetterError::Fenced {
                topic: self.topic.clone(),
            },
            false => self.failed(action, reason),
        })
    }

    fn failed(&self, action: &'static str, reason: String) -> DeadLetterError {
        DeadLetterError::Transaction {
            topic: self.topic.clone(),
            action,
            reason,
        }
    }
}

fn is_fenced(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::ProducerFenced
            | RDKafkaErrorCode::InvalidProducerEpoch
    )
}

/// Whether a refusal is of some records of a batch: others for the same topic may
/// be taken, or the same ones in a smaller batch.
pub(super) fn is_of_records(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::MessageBatchTooLarge
            | RDKafkaErrorCode::InvalidMessageSize
            | RDKafkaErrorCode::InvalidRecord
            | RDKafkaErrorCode::InvalidTimestamp
            | RDKafkaErrorCode::InvalidArgument
            | RDKafkaErrorCode::PolicyViolation
    )
}

/// Whether a record will be refused again, whatever is waited for.
fn is_refusal(code: RDKafkaErrorCode) -> bool {
    is_of_records(code)
        || matches!(
            code,
            RDKafkaErrorCode::InvalidTopic
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
                | RDKafkaErrorCode::TransactionalIdAuthorizationFailed
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::UnsupportedForMessageFormat
        )
}
