use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::sync::oneshot;

use super::Assignment;
use super::print::Printed;
use crate::management::CommandError;
use crate::management::console::Console;

/// How long one poll waits, and with it how soon the end is noticed.
const POLL: Duration = Duration::from_millis(100);

/// Messages that are printed before they are handed to the reader and, in a
/// group, committed, as long as more come without a pause.
const BATCH: usize = 500;

/// Prints messages on a thread of its own.
pub(super) struct Reader {
    pub(super) config: ClientConfig,
    pub(super) topic: String,
    pub(super) assignment: Assignment,
    pub(super) max: Option<u64>,
    pub(super) idle: Option<Duration>,
    pub(super) json: bool,
    pub(super) console: Console,
    pub(super) stopped: Arc<AtomicBool>,
}

type TailConsumer = BaseConsumer<Tailing>;

/// What was printed and not yet handed over and committed.
struct Tailing {
    topic: String,
    commits: bool,
    console: Console,
    /// By partition, the offset after the last message printed.
    printed: Mutex<HashMap<i32, i64>>,
    /// Why the reader of the output can't be reached any longer.
    lost_output: Mutex<Option<CommandError>>,
}

impl ClientContext for Tailing {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
    }
}

impl ConsumerContext for Tailing {
    /// The last moment at which a commit is still this member's to make.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if matches!(rebalance, Rebalance::Revoke(_)) {
            self.settle(consumer);
        }
    }
}

impl Tailing {
    /// Hands over what was printed, and then commits it: in this order, because
    /// what nobody received must come again.
    fn settle(&self, consumer: &TailConsumer) {
        if self.lost_output.lock().is_some() {
            return;
        }
        if let Err(error) = self.console.flush() {
            *self.lost_output.lock() = Some(error);
            return;
        }
        let printed = std::mem::take(&mut *self.printed.lock());
        if !self.commits || printed.is_empty() {
            return;
        }
        let mut offsets = TopicPartitionList::with_capacity(printed.len());
        let mut committed = Ok(());
        for (partition, next) in printed {
            let added = offsets.add_partition_offset(&self.topic, partition, Offset::Offset(next));
            committed = committed.and(added);
        }
        let committed = committed.and_then(|()| consumer.commit(&offsets, CommitMode::Sync));
        if let Err(error) = committed {
            self.console.notice(format_args!(
                "warning: not committed ({error}); the last messages will come again"
            ));
        }
    }
}

impl Reader {
    /// Starts the thread; the result comes when it has printed all it should.
    pub(super) fn start(self) -> Result<oneshot::Receiver<Result<(), CommandError>>, CommandError> {
        let (done, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("kafka-tail".into())
            .spawn(move || {
                let _ = done.send(self.read());
            })
            .map_err(|error| CommandError::failed(format!("cannot start a thread: {error}")))?;
        Ok(ended)
    }

    fn read(self) -> Result<(), CommandError> {
        let consumer = self.open().map_err(|error| {
            CommandError::failed(format!("cannot read topic `{}`: {error}", self.topic))
        })?;
        let tailing = Arc::clone(consumer.client().context());
        let result = self.print(&consumer, &tailing);
        tailing.settle(&consumer);
        match tailing.lost_output.lock().take() {
            Some(lost) => Err(lost),
            None => result,
        }
    }

    fn open(&self) -> Result<TailConsumer, KafkaError> {
        let mut config = self.config.clone();
        config
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("allow.auto.create.topics", "false");
        let tailing = Tailing {
            topic: self.topic.clone(),
            commits: matches!(self.assignment, Assignment::Group { .. }),
            console: self.console.clone(),
            printed: Mutex::default(),
            lost_output: Mutex::default(),
        };
        match &self.assignment {
            Assignment::Group { group_id, reset } => {
                config.set("group.id", group_id);
                config.set("auto.offset.reset", *reset);
                let consumer: TailConsumer = config.create_with_context(tailing)?;
                consumer.subscribe(&[&self.topic])?;
                Ok(consumer)
            }
            Assignment::Fixed(offsets) => {
                // The client asks for a group even where it joins none.
                config.set("group.id", format!("kafka-tail-{}", std::process::id()));
                config.set("auto.offset.reset", "earliest");
                let consumer: TailConsumer = config.create_with_context(tailing)?;
                let mut assignment = TopicPartitionList::with_capacity(offsets.len());
                for (partition, offset) in offsets {
                    let at = Offset::Offset(*offset);
                    assignment.add_partition_offset(&self.topic, *partition, at)?;
                }
                consumer.assign(&assignment)?;
                Ok(consumer)
            }
        }
    }

    fn print(&self, consumer: &TailConsumer, tailing: &Tailing) -> Result<(), CommandError> {
        let mut warned = String::new();
        let mut count = 0_u64;
        let mut unsettled = 0_usize;
        let mut last = Instant::now();
        while !self.stopped.load(Ordering::Relaxed) {
            // Whatever waits is printed without a pause; before a pause it is
            // handed over.
            let polled = consumer.poll(Duration::ZERO).or_else(|| {
                tailing.settle(consumer);
                unsettled = 0;
                consumer.poll(POLL)
            });
            if tailing.lost_output.lock().is_some() {
                return Ok(());
            }
            let message = match polled {
                None if self.idle.is_some_and(|idle| last.elapsed() >= idle) => return Ok(()),
                // Nothing would be written that could tell.
                None if self.console.reader_is_gone() => return Ok(()),
                None => continue,
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    self.judge(error, &mut warned)?;
                    continue;
                }
            };
            let printed = Printed::new(&message);
            match self.json {
                true => self.console.json(&printed)?,
                false => self.console.line(&printed)?,
            }
            let next = message.offset() + 1;
            tailing.printed.lock().insert(message.partition(), next);
            last = Instant::now();
            count += 1;
            if self.max.is_some_and(|max| count >= max) {
                return Ok(());
            }
            unsettled += 1;
            if unsettled >= BATCH {
                tailing.settle(consumer);
                unsettled = 0;
            }
        }
        Ok(())
    }

    /// Ends on errors that don't go away by waiting; tells the others once.
    fn judge(&self, error: KafkaError, warned: &mut String) -> Result<(), CommandError> {
        let in_group = matches!(self.assignment, Assignment::Group { .. });
        let for_good = match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {
                if !in_group {
                    return Ok(());
                }
                true
            }
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::Fatal,
            ) => true,
            _ => matches!(error, KafkaError::MessageConsumptionFatal(_)),
        };
        if for_good {
            let what = format!("cannot go on with topic `{}`: {error}", self.topic);
            return Err(CommandError::failed(what));
        }
        let text = error.to_string();
        if *warned != text {
            self.console
                .notice(format_args!("warning: {text}; still trying"));
            *warned = text;
        }
        Ok(())
    }
}
