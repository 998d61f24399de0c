use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseProducer, Producer as _, PurgeConfig};

use super::context::DeliveryContext;
use super::delivery::Delivery;
use super::error::{ProduceError, Written};
use super::failure::{Failure, printable};
use super::outgoing::Outgoing;
use super::outgoing_pipeline::OutgoingPipeline;
use super::record::check_partition;
use super::suppress::is_suppressed;
use crate::native::producer::ProducerQueue;
use crate::topic::TopicName;

/// Longest wait of the thread that serves delivery reports. Every event and
/// the end wake it at once, so this only bounds what nobody has thought of.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The client's default of `queue.buffering.max.kbytes`.
const DEFAULT_QUEUE_KBYTES: usize = 1_048_576;

/// The producer of a cluster: cheap to clone, shared by everybody.
///
/// Got from [`Kafka::producer`](crate::Kafka::producer). One thread of its own
/// serves its delivery reports.
#[derive(Clone)]
pub struct Producer {
    shared: Arc<Shared>,
}

struct Shared {
    /// `Some` until this is dropped.
    client: Option<Arc<Client>>,
    stop: Arc<Stop>,
    closed: AtomicBool,
    /// Most bytes the client's queue holds.
    queue_bytes: usize,
}

type Client = ProducerQueue<DeliveryContext>;

/// Tells the serving thread to end, by handing it the last reference: the
/// client blocks while it is dropped, which must not happen on the runtime.
#[derive(Default)]
struct Stop(Mutex<Option<Arc<Client>>>);

impl Producer {
    /// Makes the client and starts its thread. Nothing connects on this thread.
    pub(crate) fn start(cluster: &str, mut config: ClientConfig) -> Result<Self, ClientError> {
        if config.get("delivery.report.only.error") == Some("true") {
            tracing::warn!(
                cluster,
                "`delivery.report.only.error` is ignored: without reports nothing could be \
                 awaited"
            );
            config.set("delivery.report.only.error", "false");
        }
        let queue_bytes = config
            .get("queue.buffering.max.kbytes")
            .and_then(|text| text.parse().ok())
            .unwrap_or(DEFAULT_QUEUE_KBYTES)
            .saturating_mul(1024);
        let context = DeliveryContext::new(cluster.to_owned());
        let client: BaseProducer<DeliveryContext> = config.create_with_context(context)?;
        let client = ProducerQueue::new(client)
            .map(Arc::new)
            .ok_or_else(|| ClientError::ClientCreation("it has no event queue".into()))?;
        let stop = Arc::new(Stop::default());
        let thread = {
            let (client, stop) = (client.clone(), stop.clone());
            thread::Builder::new()
                .name("kafka-producer".into())
                .spawn(move || serve(client, &stop))
        };
        thread.map_err(|error| ClientError::ClientCreation(error.to_string()))?;
        Ok(Self {
            shared: Arc::new(Shared {
                client: Some(client),
                stop,
                closed: AtomicBool::new(false),
                queue_bytes,
            }),
        })
    }

    /// Sends a serialized record to a topic, declared or not, and waits until
    /// it is acknowledged. While the client's queue is full it waits for room.
    ///
    /// Dropping the future does not take back a record that is queued; its
    /// failure would then be logged.
    ///
    /// # Errors
    /// When the record can't be queued or was not acknowledged; the error tells
    /// what to do.
    pub async fn send_outgoing(
        &self,
        topic: &str,
        record: &Outgoing,
    ) -> Result<Delivery, ProduceError> {
        if is_suppressed(topic) {
            return Ok(Delivery::suppressed(topic));
        }
        check_topic(topic)?;
        check_partition(topic, record)?;
        self.queue_single(topic, record).await?.delivered().await
    }

    /// Starts a pipeline of serialized records: many on their way at a time.
    pub fn pipeline(&self) -> OutgoingPipeline {
        OutgoingPipeline::new(self.clone())
    }

    /// Records that are queued or on their way, and not yet acknowledged.
    pub fn outstanding(&self) -> u64 {
        self.context().outstanding()
    }

    /// Whether the client gave up for good; [`Kafka::producer`](crate::Kafka::producer)
    /// makes a new one then.
    pub fn has_failed(&self) -> bool {
        self.context().fatal().is_some()
    }

    /// The name of the cluster; `default` for the one without a name.
    pub fn cluster(&self) -> &str {
        self.context().cluster()
    }

    /// Repeats an attempt, [`try_send`](Self::try_send) mostly, until the queue
    /// had room for it.
    pub(crate) async fn queue(
        &self,
        mut attempt: impl FnMut() -> Option<Result<(), ProduceError>>,
    ) -> Result<(), ProduceError> {
        let room = &self.context().room;
        if !room.has_queue()
            && let Some(result) = attempt()
        {
            return result;
        }
        room.wait(attempt).await
    }

    /// Gives a record to the client. `None` when its queue is full.
    pub(crate) fn try_send(
        &self,
        topic: &str,
        record: &Outgoing,
        opaque: usize,
    ) -> Option<Result<(), ProduceError>> {
        if self.shared.closed.load(Ordering::Relaxed) {
            return Some(Err(ProduceError::ShutDown {
                topic: topic.to_owned(),
            }));
        }
        // The client itself may not know that it has failed.
        if self.has_failed() {
            return Some(Err(ProduceError::Fatal {
                topic: topic.to_owned(),
                reason: self.context().fatal_reason().to_owned(),
                written: Written::No,
            }));
        }
        let error = match self
            .client()
            .producer()
            .send(record.to_client(topic, opaque))
        {
            Ok(()) => return Some(Ok(())),
            Err((error, _)) => error,
        };
        let code = error.rdkafka_error_code().unwrap_or(Code::InvalidArgument);
        // A record that the empty queue could not hold would wait for ever.
        if code == Code::QueueFull && record.size() <= self.shared.queue_bytes {
            return None;
        }
        let failure = Failure {
            topic: topic.to_owned(),
            partition: record.partition,
            key: printable(record.key.as_deref()),
            size: record.size(),
            code: match code {
                Code::QueueFull => Code::MessageSizeTooLarge,
                code => code,
            },
            written: Written::No,
        };
        Some(Err(self.error_of(failure)))
    }

    pub(crate) fn context(&self) -> &DeliveryContext {
        self.client().context()
    }

    /// Takes nothing more from here on.
    pub(crate) fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Those who wait for room learn of it one after another.
        self.context().room.made();
    }

    /// Blocks until everything is reported or the time is over; how many
    /// records were not.
    pub(crate) fn flush_blocking(&self, timeout: Duration) -> u64 {
        if self.client().flush(timeout) {
            return 0;
        }
        self.outstanding()
    }

    /// Gives up what is still queued; its callers get an error.
    pub(crate) fn purge(&self) {
        self.client()
            .producer()
            .purge(PurgeConfig::default().queue().inflight());
    }

    #[cfg(test)]
    pub(crate) fn fail(&self, reason: &std::ffi::CStr) {
        self.client().fail(reason);
    }

    /// A failure as the caller's error.
    pub(crate) fn error_of(&self, failure: Failure) -> ProduceError {
        // A client that gives up purges its records before it tells why.
        let context = self.context();
        if matches!(
            failure.code,
            Code::Fatal | Code::PurgeQueue | Code::PurgeInflight
        ) && context.fatal().is_none()
            && let Some((_, reason)) = self.client().producer().client().fatal_error()
        {
            context.set_fatal(&reason);
        }
        failure.into_error(context.fatal())
    }

    #[allow(
        clippy::expect_used,
        reason = "only `drop` takes it, and nobody can call anything then"
    )]
    fn client(&self) -> &Arc<Client> {
        self.shared.client.as_ref().expect("taken only by drop")
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer")
            .field("cluster", &self.cluster())
            .field("outstanding", &self.outstanding())
            .finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            self.stop.0.lock().insert(client).interrupt();
        }
    }
}

/// The producer's thread: hands on delivery reports, errors and logs until the
/// last [`Producer`] is gone, and then ends the client.
fn serve(client: Arc<Client>, stop: &Stop) {
    let mut broken = false;
    while stop.0.lock().is_none() {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| client.serve(LONGEST_WAIT))) {
            broken = true;
            let context = client.context();
            let what = panic_text(&*panic);
            context.set_fatal(&format!("serving its delivery reports panicked: {what}"));
            context.room.made();
        }
        if broken {
            end_records(&client);
        }
    }
    let handed_over = stop.0.lock().take();
    drop(handed_over);
    // Purges what is left, whose callers hear of it.
    drop(client);
}

/// After a panic reports are missing, and nobody can tell which: all records
/// are given up. The thread goes on, for those that others add meanwhile.
fn end_records(client: &Client) {
    let producer = client.producer();
    producer.purge(PurgeConfig::default().queue().inflight());
    if producer.in_flight_count() == 0 {
        client.context().give_up();
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}

/// Refuses what can't be produced to whatever the cluster says.
pub(crate) fn check_topic(topic: &str) -> Result<(), ProduceError> {
    if topic.starts_with('^') {
        return Err(ProduceError::Pattern {
            topic: topic.to_owned(),
        });
    }
    TopicName::parse(topic)?;
    Ok(())
}
