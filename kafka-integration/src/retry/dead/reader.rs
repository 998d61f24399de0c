use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::{DeadLetterError, Watch};
use crate::kafka::log_client;
use crate::native::{FetchQueue, NativeMessage, forward_to};

/// How long one fetch waits, and with it how soon a stop is noticed.
const POLL: Duration = Duration::from_millis(100);

/// A broker that says nothing for so long is away.
const PATIENCE: Duration = Duration::from_secs(30);

/// Messages that are taken from the client at a time.
const BATCH: usize = 512;

/// Reads parts of partitions, committed records only. It joins no group. All of
/// it blocks.
pub(super) struct Reader {
    config: ClientConfig,
    queue: FetchQueue<Reading>,
    /// What the client read last.
    last: Option<(String, i32)>,
    messages: Vec<NativeMessage>,
}

#[derive(Default)]
struct Reading {
    last_error: Mutex<Option<String>>,
}

impl ClientContext for Reading {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_client(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
        *self.last_error.lock() = Some(reason.to_owned());
    }
}

impl ConsumerContext for Reading {}

impl Reader {
    /// # Errors
    /// When the client can't be made.
    pub(super) fn open(mut config: ClientConfig, topic: &str) -> Result<Self, DeadLetterError> {
        config
            // The client asks for a group even where it joins none.
            .set("group.id", format!("kafka-dlt-{}", std::process::id()))
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("allow.auto.create.topics", "false")
            .set("auto.offset.reset", "earliest")
            // Behind a partition's last record may stand the end of a
            // transaction: only the client knows when it has seen all.
            .set("enable.partition.eof", "true")
            // It says so after a fetch that waited for more in vain.
            .set("fetch.wait.max.ms", "20")
            .set("queued.max.messages.kbytes", "16384");
        Ok(Self {
            queue: connect(&config, topic)?,
            config,
            last: None,
            messages: Vec::with_capacity(BATCH),
        })
    }

    /// Gives every committed record from `start` to before `end` to `each`, in
    /// order, until that breaks or the work is stopped.
    ///
    /// # Errors
    /// When the broker refuses or is silent, or with an error of `each`.
    pub(super) fn read<E: From<DeadLetterError>>(
        &mut self,
        topic: &str,
        partition: i32,
        (start, end): (i64, i64),
        watch: &Watch,
        mut each: impl FnMut(&mut NativeMessage) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        if start >= end {
            return Ok(());
        }
        let place = Some((topic.to_owned(), partition));
        if self.last == place {
            // The client ends reading a partition in its own time, and with it
            // the way to our queue: begun again at once, the partition would
            // lose that way. Others it begins when the last has ended.
            self.queue = connect(&self.config, topic)?;
        }
        self.last = place;
        self.assign(topic, partition, start)
            .map_err(|error| failed(topic, partition, error))?;
        let mut heard = Instant::now();
        while !watch.is_stopped() {
            let mut messages = std::mem::take(&mut self.messages);
            self.queue.fetch(POLL, BATCH, &mut messages);
            // Errors of the client and its log wait there.
            let _ = self.queue.consumer().poll(Duration::ZERO);
            let mut flow = ControlFlow::Continue(());
            let mut any = false;
            for mut message in messages.drain(..) {
                if flow.is_break() || message.partition() != partition || message.topic() != topic {
                    continue;
                }
                any = true;
                flow = match message.error() {
                    None if message.offset() < start => ControlFlow::Continue(()),
                    None if message.offset() >= end => ControlFlow::Break(()),
                    None => match each(&mut message)? {
                        ControlFlow::Continue(()) if message.offset() + 1 < end => {
                            ControlFlow::Continue(())
                        }
                        _ => ControlFlow::Break(()),
                    },
                    Some(RDKafkaErrorCode::PartitionEOF) => ControlFlow::Break(()),
                    Some(code) if is_for_good(code) => {
                        return Err(failed(topic, partition, code).into());
                    }
                    Some(_) => ControlFlow::Continue(()),
                };
            }
            self.messages = messages;
            if any {
                // After `each`, which may have taken its time.
                heard = Instant::now();
            }
            if flow.is_break() {
                break;
            }
            if heard.elapsed() > PATIENCE {
                let last = self.queue.consumer().context().last_error.lock().clone();
                let said = last.unwrap_or_else(|| "no broker answers".to_owned());
                return Err(failed(topic, partition, said).into());
            }
        }
        Ok(())
    }

    fn assign(&self, topic: &str, partition: i32, start: i64) -> Result<(), KafkaError> {
        let consumer = self.queue.consumer();
        consumer.unassign()?;
        if !forward_to(consumer, &self.queue.waker(), topic, partition) {
            return Err(KafkaError::ClientCreation("out of memory".to_owned()));
        }
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(topic, partition, Offset::Offset(start))?;
        consumer.assign(&list)
    }
}

fn connect(config: &ClientConfig, topic: &str) -> Result<FetchQueue<Reading>, DeadLetterError> {
    let failed = |source| DeadLetterError::Client {
        topic: topic.to_owned(),
        source,
    };
    let consumer: BaseConsumer<Reading> = config
        .create_with_context(Reading::default())
        .map_err(failed)?;
    let out_of_memory = || failed(KafkaError::ClientCreation("out of memory".to_owned()));
    FetchQueue::new(consumer, BATCH).ok_or_else(out_of_memory)
}

fn failed(topic: &str, partition: i32, reason: impl ToString) -> DeadLetterError {
    DeadLetterError::Read {
        topic: topic.to_owned(),
        partition,
        reason: reason.to_string(),
    }
}

/// Whether waiting changes nothing.
fn is_for_good(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::Fatal
    )
}
