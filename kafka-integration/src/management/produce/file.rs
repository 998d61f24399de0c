use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::sync::mpsc;

use super::positions::Positions;
use super::rows::{BadRow, Row, RowOptions, Rows};
use super::{Input, Produce};
use crate::kafka::Kafka;
use crate::management::console::Console;
use crate::management::progress::ProgressLine;
use crate::management::signals::{Signal, StopSignal};
use crate::management::table::{counted, thousands};
use crate::management::{CommandError, Management};
use crate::producer::{Outgoing, OutgoingPipeline, PipelineError, Undelivered};
use crate::topic::TopicName;

/// Rows that are handed over at once, and their bytes: with the batches that
/// may wait, this bounds the memory for rows that are read and not yet sent.
const BATCH_ROWS: usize = 512;
const BATCH_BYTES: usize = 256 * 1024;
const WAITING_BATCHES: usize = 4;

type Batch = Vec<Result<Row, BadRow>>;

/// Produces every row of a file.
pub(super) async fn produce(
    command: &Produce,
    input: Input,
    kafka: &Kafka,
    topic: &TopicName,
    management: &Management,
) -> Result<(), CommandError> {
    let options = command.rows(kafka)?;
    let producer = kafka.producer(command.cluster.as_deref())?;
    let mut stop = StopSignal::listen(management.console.clone(), None)?;
    let (bytes, size) = open(&input.file)?;
    let read = Arc::new(AtomicU64::new(0));
    let mut batches = read_batches(input, bytes, Arc::clone(&read), options)?;
    let mut sending = Sending {
        pipeline: producer.pipeline(),
        record: command.blank(),
        topic,
        positions: Positions::default(),
        sent: 0,
        skipped: 0,
        skip_bad: command.skip_bad,
        console: &management.console,
    };
    let begun = Instant::now();
    let progress = Progress::show(size, read, begun);

    let stopped = loop {
        tokio::select! {
            biased;
            signal = stop.wait() => break Stopped::Signal(signal),
            batch = batches.recv() => match batch {
                None => break Stopped::End,
                Some(batch) => match sending.batch(batch).await {
                    Ok(()) => progress.update(sending.sent),
                    Err(stopped) => break stopped,
                },
            },
        }
    };
    drop(progress);
    let (sent, skipped) = (sending.sent, sending.skipped);
    let acknowledged = sending.finish(stopped).await?;
    debug_assert_eq!(acknowledged, sent);
    let seconds = begun.elapsed().as_secs_f64();
    if command.json {
        return management.console.json(&json!({
            "topic": topic.as_str(),
            "acknowledged": acknowledged,
            "skipped": skipped,
            "seconds": (seconds * 1_000.0).round() / 1_000.0,
        }));
    }
    let mut line = format!("produced {} to {topic}", counted(acknowledged, "message"));
    if skipped > 0 {
        line.push_str(&format!(", skipped {}", counted(skipped, "bad row")));
    }
    management
        .console
        .line(format_args!("{line} in {seconds:.1} s"))
}

/// Why no more rows are sent.
enum Stopped {
    /// There are none.
    End,
    Bad(BadRow),
    Failed(PipelineError),
    Signal(Signal),
}

struct Sending<'a> {
    pipeline: OutgoingPipeline,
    record: Outgoing,
    topic: &'a TopicName,
    positions: Positions,
    sent: u64,
    skipped: u64,
    skip_bad: bool,
    console: &'a Console,
}

impl Sending<'_> {
    async fn batch(&mut self, batch: Batch) -> Result<(), Stopped> {
        for row in batch {
            match row {
                Ok(row) => self.row(row).await.map_err(Stopped::Failed)?,
                Err(bad) if self.skip_bad && !bad.fatal => {
                    self.skipped += 1;
                    self.console.notice(format_args!("skipped {bad}"));
                }
                Err(bad) => return Err(Stopped::Bad(bad)),
            }
        }
        Ok(())
    }

    async fn row(&mut self, row: Row) -> Result<(), PipelineError> {
        // Its number in the pipeline is taken even if it is refused.
        self.positions.push(row.line);
        self.record.key = row.key;
        self.record.payload = Some(row.value);
        self.pipeline
            .send(self.topic.as_str(), &self.record)
            .await?;
        self.sent += 1;
        Ok(())
    }

    /// Waits for the acknowledgements of all that was sent, and says how many
    /// there were, whatever ended it.
    async fn finish(self, stopped: Stopped) -> Result<u64, CommandError> {
        let positions = self.positions;
        let finished = self.pipeline.finish().await;
        let told = |why: String| match &finished {
            Ok(summary) if summary.acknowledged == 1 => {
                format!("{why}; the message before it was acknowledged")
            }
            Ok(summary) => format!(
                "{why}; the {} messages before it were acknowledged",
                summary.acknowledged
            ),
            Err(lost) => format!(
                "{why}; of those before it {}",
                undelivered(lost, &positions)
            ),
        };
        match stopped {
            Stopped::End => match finished {
                Ok(summary) => Ok(summary.acknowledged),
                Err(lost) => Err(CommandError::failed(undelivered(&lost, &positions))),
            },
            Stopped::Bad(bad) => Err(CommandError::failed(told(bad.to_string()))),
            Stopped::Failed(PipelineError::Refused { index, source }) => {
                let line = place(index, &positions);
                Err(CommandError::failed(told(format!("{line}: {source}"))))
            }
            Stopped::Failed(failed) => Err(CommandError::failed(match &finished {
                Err(lost) => undelivered(lost, &positions),
                Ok(_) => failed.to_string(),
            })),
            Stopped::Signal(signal) => Err(CommandError::interrupted(
                signal.exit_code(),
                match &finished {
                    Ok(summary) => format!(
                        "stopped; {}, the rest of the file was not sent",
                        acknowledged(summary.acknowledged)
                    ),
                    Err(lost) => format!("stopped; {}", undelivered(lost, &positions)),
                },
            )),
        }
    }
}

fn acknowledged(messages: u64) -> String {
    let were = if messages == 1 { "was" } else { "were" };
    format!("{} {were} acknowledged", counted(messages, "message"))
}

/// What became of records that were not delivered, by the lines of the file.
fn undelivered(lost: &Undelivered, positions: &Positions) -> String {
    let mut text = format!("{}, {} not", acknowledged(lost.acknowledged), lost.failed);
    for record in &lost.records {
        let line = place(record.index, positions);
        text.push_str(&format!("\n  {line}: {}", record.error));
    }
    let untold = lost.failed.saturating_sub(lost.records.len() as u64);
    if untold > 0 {
        text.push_str(&format!("\n  and {untold} more"));
    }
    text
}

fn place(index: u64, positions: &Positions) -> String {
    match positions.line(index) {
        Some(line) => format!("line {line}"),
        None => format!("row {}", index + 1),
    }
}

/// The file and its size, where it has one.
fn open(file: &str) -> Result<(Box<dyn Read + Send>, Option<u64>), CommandError> {
    if file == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    let refuse =
        |error: io::Error| CommandError::failed(format!("cannot read the file `{file}`: {error}"));
    let opened = File::open(file).map_err(refuse)?;
    let about = opened.metadata().map_err(refuse)?;
    if about.is_dir() {
        return Err(refuse(io::ErrorKind::IsADirectory.into()));
    }
    Ok((Box::new(opened), about.is_file().then_some(about.len())))
}

/// Counts what passes.
struct Counted {
    input: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Reads rows on a thread of its own. It is none of the runtime's: reading
/// standard input can wait for ever, and must not keep the process from ending.
fn read_batches(
    input: Input,
    bytes: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
    options: RowOptions,
) -> Result<mpsc::Receiver<Batch>, CommandError> {
    let (full, batches) = mpsc::channel(WAITING_BATCHES);
    let bytes = Box::new(Counted { input: bytes, read });
    std::thread::Builder::new()
        .name("kafka-produce".into())
        .spawn(move || {
            let mut rows = match Rows::open(input.format, bytes, options) {
                Ok(rows) => rows,
                Err(bad) => {
                    let _ = full.blocking_send(vec![Err(bad)]);
                    return;
                }
            };
            let mut more = true;
            while more {
                let batch;
                (batch, more) = read_batch(&mut rows);
                if !batch.is_empty() && full.blocking_send(batch).is_err() {
                    return;
                }
            }
        })
        .map_err(|error| CommandError::failed(format!("cannot start a thread: {error}")))?;
    Ok(batches)
}

/// Some rows, and whether there may be more.
fn read_batch(rows: &mut Rows) -> (Batch, bool) {
    let mut batch = Vec::new();
    let mut bytes = 0;
    loop {
        match rows.next() {
            Ok(None) => return (batch, false),
            Ok(Some(row)) => {
                bytes += row.value.len();
                batch.push(Ok(row));
            }
            Err(bad) => {
                let fatal = bad.fatal;
                batch.push(Err(bad));
                if fatal {
                    return (batch, false);
                }
            }
        }
        // Whoever types rows wants each sent when it is complete.
        if batch.len() >= BATCH_ROWS || bytes >= BATCH_BYTES || rows.may_wait() {
            return (batch, true);
        }
    }
}

/// The bar on a terminal.
struct Progress {
    line: Option<ProgressLine>,
    read: Arc<AtomicU64>,
    begun: Instant,
}

impl Progress {
    fn show(size: Option<u64>, read: Arc<AtomicU64>, begun: Instant) -> Self {
        let line = io::stderr().is_terminal().then(|| {
            let (bar, template) = match size {
                Some(size) => (ProgressBar::new(size), "{bar:30} {percent}% {msg}"),
                None => (ProgressBar::new_spinner(), "{msg}"),
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            ProgressLine::show(bar)
        });
        Self { line, read, begun }
    }

    fn update(&self, sent: u64) {
        let Some(line) = &self.line else { return };
        let rate = sent as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
        line.bar().set_position(self.read.load(Ordering::Relaxed));
        line.bar().set_message(format!(
            "{} sent, {}/s",
            thousands(sent),
            thousands(rate as u64)
        ));
    }
}
