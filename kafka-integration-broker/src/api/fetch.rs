use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, FetchableTopicResponse, PartitionData,
};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use tokio::time::timeout_at;

use super::{Code, Stop, leader_epoch_problem};
use crate::core::RequestContext;
use crate::log::{Partition, ReadError, Waiter};
use crate::records::BatchHeader;
use crate::sessions::{Asked, Fetching, Key, Request, Told};
use crate::wire::MODEST_ANSWER;

/// Bytes of records in one answer, whatever the client allows; the default of
/// Apache Kafka's `fetch.max.bytes`.
const LARGEST_ANSWER: i32 = 55 * 1024 * 1024;

/// What was read of one partition.
struct Read {
    key: Key,
    outcome: Result<Data, ResponseError>,
}

#[derive(Default)]
struct Data {
    high_watermark: i64,
    last_stable_offset: i64,
    log_start: i64,
    aborted: Option<Vec<AbortedTransaction>>,
    batches: Vec<Bytes>,
}

/// Reads records; waits for them if there are too few.
pub(super) async fn handle(
    cx: &RequestContext,
    request: FetchRequest,
) -> Result<FetchResponse, Stop> {
    let began = Instant::now();
    let limits = Limits::of(&request);
    let fetching = match cx
        .core
        .sessions
        .begin(session_request(cx.version, request), began)
    {
        Ok(fetching) => fetching,
        Err(error) => return Ok(FetchResponse::default().with_error_code(error.number())),
    };
    let asked = match &fetching {
        Fetching::Full(asked)
        | Fetching::Begun { asked, .. }
        | Fetching::Continued { asked, .. } => asked,
    };
    let mut reads = poll(cx, asked, &limits, began).await;
    match cx.core.budget.try_answer(size(&reads)) {
        Some(share) => share.into_iter().for_each(|share| cx.share.keep(share)),
        // Too many answers wait for clients that take their time. This one
        // waits for its turn with nothing in its hands, and is a small one.
        None => {
            drop(reads);
            if let Some(share) = cx.core.budget.modest_answer().await {
                cx.share.keep(share);
            }
            reads = poll(cx, asked, &limits.modest(), began).await;
        }
    }
    Ok(answer(cx.version, &fetching, reads))
}

struct Limits {
    min_bytes: usize,
    max_bytes: usize,
    max_wait: Duration,
    committed_only: bool,
}

impl Limits {
    /// What there is, at once, and not much of it.
    fn modest(&self) -> Self {
        Self {
            min_bytes: 0,
            max_bytes: self.max_bytes.min(MODEST_ANSWER),
            max_wait: Duration::ZERO,
            committed_only: self.committed_only,
        }
    }

    fn of(request: &FetchRequest) -> Self {
        let max_bytes = usize::try_from(request.max_bytes.min(LARGEST_ANSWER)).unwrap_or(0);
        Self {
            // More than the answer may hold never comes.
            min_bytes: usize::try_from(request.min_bytes)
                .unwrap_or(0)
                .min(max_bytes),
            max_bytes,
            max_wait: Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)),
            committed_only: request.isolation_level == 1,
        }
    }
}

fn session_request(version: i16, request: FetchRequest) -> Request {
    let mut asked = Vec::new();
    for topic in request.topics {
        asked.extend(topic.partitions.into_iter().map(|partition| Asked {
            key: Key {
                topic: topic.topic.clone(),
                topic_id: topic.topic_id,
                partition: partition.partition,
            },
            offset: partition.fetch_offset,
            max_bytes: partition.partition_max_bytes,
            leader_epoch: partition.current_leader_epoch,
        }));
    }
    let mut forgotten = Vec::new();
    for topic in request.forgotten_topics_data {
        forgotten.extend(topic.partitions.into_iter().map(|partition| Key {
            topic: topic.topic.clone(),
            topic_id: topic.topic_id,
            partition,
        }));
    }
    Request {
        session_id: request.session_id,
        // Before version 7 there are no sessions; the codec's default says so.
        epoch: if version < 7 {
            -1
        } else {
            request.session_epoch
        },
        by_id: version >= 13,
        asked,
        forgotten,
    }
}

/// Bytes of records.
fn size(reads: &[Read]) -> usize {
    let found = reads.iter().filter_map(|read| read.outcome.as_ref().ok());
    found.flat_map(|data| &data.batches).map(Bytes::len).sum()
}

/// Reads until there is enough, something failed, or the wait is over.
async fn poll(cx: &RequestContext, asked: &[Asked], limits: &Limits, began: Instant) -> Vec<Read> {
    let mut partitions: Vec<_> = asked.iter().map(|asked| locate(cx, &asked.key)).collect();
    if cx.core.faults.any() {
        let refused = cx.core.faults.refused_fetches(cx, asked);
        for (partition, error) in partitions.iter_mut().zip(refused) {
            if let Some(error) = error {
                *partition = Err(error);
            }
        }
    }
    let deadline = tokio::time::Instant::from_std(began + limits.max_wait);
    let mut waiter: Option<Waiter> = None;
    loop {
        let (reads, enough) = read_all(cx, asked, &partitions, limits).await;
        if enough || asked.is_empty() || limits.max_wait.is_zero() {
            return reads;
        }
        match &waiter {
            // Whoever waits is registered before it reads, or it would miss
            // what happens between the two.
            None => {
                let new = Waiter::default();
                for partition in partitions.iter().flatten() {
                    partition.waiters.register(&new);
                }
                waiter = Some(new);
            }
            Some(waiter) => {
                if timeout_at(deadline, waiter.woken()).await.is_err() {
                    return reads;
                }
            }
        }
    }
}

fn locate(cx: &RequestContext, key: &Key) -> Result<Arc<Partition>, ResponseError> {
    if cx.version >= 13 {
        let topic = cx
            .core
            .catalogue
            .topic_by_id(key.topic_id)
            .ok_or(ResponseError::UnknownTopicId)?;
        return topic
            .partition(key.partition)
            .ok_or(ResponseError::UnknownTopicOrPartition);
    }
    let partition = cx.core.catalogue.partition(&key.topic, key.partition);
    partition.ok_or(ResponseError::UnknownTopicOrPartition)
}

async fn read_all(
    cx: &RequestContext,
    asked: &[Asked],
    partitions: &[Result<Arc<Partition>, ResponseError>],
    limits: &Limits,
) -> (Vec<Read>, bool) {
    let mut reads = Vec::with_capacity(asked.len());
    let mut size = 0;
    let mut failed = false;
    for (asked, partition) in asked.iter().zip(partitions) {
        let outcome = match partition {
            Ok(partition) => {
                let room = limits.max_bytes.saturating_sub(size);
                read(cx, asked, partition, limits.committed_only, room, size == 0).await
            }
            Err(error) => Err(*error),
        };
        match &outcome {
            Ok(data) => size += data.batches.iter().map(Bytes::len).sum::<usize>(),
            Err(_) => failed = true,
        }
        reads.push(Read {
            key: asked.key.clone(),
            outcome,
        });
    }
    (reads, failed || size >= limits.min_bytes)
}

async fn read(
    cx: &RequestContext,
    asked: &Asked,
    partition: &Partition,
    committed_only: bool,
    room: usize,
    nothing_yet: bool,
) -> Result<Data, ResponseError> {
    if let Some(error) = leader_epoch_problem(asked.leader_epoch) {
        return Err(error);
    }
    loop {
        let (mut data, forgettings) = partition.view(|view| {
            let data = Data {
                high_watermark: view.high_watermark,
                last_stable_offset: view.last_stable_offset(),
                log_start: view.log_start,
                ..Data::default()
            };
            (data, view.forgettings)
        });
        let end = if committed_only {
            data.last_stable_offset
        } else {
            data.high_watermark
        };
        let most = room.min(usize::try_from(asked.max_bytes).unwrap_or(0));
        let read = partition.read(&cx.core.reader, asked.offset, end, most, nothing_yet);
        data.batches = read.await.map_err(|error| unread(cx, partition, error))?;
        if !committed_only {
            return Ok(data);
        }
        // What was aborted may have been deleted or compacted away since the
        // records were read, and then would be taken for committed.
        if let Some(aborted) = aborted(partition, asked.offset, &data.batches, forgettings) {
            data.aborted = Some(aborted);
            return Ok(data);
        }
    }
}

fn unread(cx: &RequestContext, partition: &Partition, error: ReadError) -> ResponseError {
    match error {
        ReadError::Deleted if cx.version >= 13 => ResponseError::UnknownTopicId,
        ReadError::Deleted => ResponseError::UnknownTopicOrPartition,
        ReadError::OutOfRange => ResponseError::OffsetOutOfRange,
        ReadError::Storage(error) => {
            tracing::error!(topic = &*partition.topic_name, partition = partition.index, %error, "unreadable");
            ResponseError::KafkaStorageError
        }
    }
}

/// The aborted transactions with records in `batches`, which were read from
/// `offset` on; `None` when some were forgotten meanwhile.
fn aborted(
    partition: &Partition,
    offset: i64,
    batches: &[Bytes],
    forgettings: u64,
) -> Option<Vec<AbortedTransaction>> {
    let last = batches.last().and_then(|batch| BatchHeader::read(batch));
    let read_to = last.map_or(offset, |header| header.last_offset() + 1);
    partition.view(|view| {
        if view.forgettings != forgettings {
            return None;
        }
        let from = view
            .aborted
            .partition_point(|aborted| aborted.last_offset < offset);
        let within = view.aborted[from..]
            .iter()
            .filter(|aborted| aborted.first_offset < read_to);
        let listed = within.map(|aborted| {
            AbortedTransaction::default()
                .with_producer_id(aborted.producer_id.into())
                .with_first_offset(aborted.first_offset)
        });
        Some(listed.collect())
    })
}

fn answer(version: i16, fetching: &Fetching, reads: Vec<Read>) -> FetchResponse {
    let (id, session, all) = match fetching {
        Fetching::Full(_) => (0, None, true),
        Fetching::Begun { id, session, .. } => (*id, Some(session), true),
        Fetching::Continued { id, session, .. } => (*id, Some(session), false),
    };
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    let mut session = session.map(|session| session.lock());
    for Read { key, outcome } in reads {
        let has_records = outcome.as_ref().is_ok_and(|data| !data.batches.is_empty());
        if let Some(session) = &mut session {
            let told = outcome.as_ref().ok().map(|data| Told {
                high_watermark: data.high_watermark,
                log_start: data.log_start,
            });
            let news = session.tell(&key, told);
            if has_records {
                session.served_last(&key);
            }
            if !(all || news || has_records) {
                continue;
            }
        }
        let data = partition_data(version, key.partition, outcome);
        match topics.last_mut() {
            Some(topic) if topic.topic == key.topic && topic.topic_id == key.topic_id => {
                topic.partitions.push(data);
            }
            _ => topics.push(
                FetchableTopicResponse::default()
                    .with_topic(key.topic)
                    .with_topic_id(key.topic_id)
                    .with_partitions(vec![data]),
            ),
        }
    }
    let response = FetchResponse::default().with_responses(topics);
    if version >= 7 {
        response.with_session_id(id)
    } else {
        response
    }
}

fn partition_data(version: i16, index: i32, outcome: Result<Data, ResponseError>) -> PartitionData {
    let answer = PartitionData::default().with_partition_index(index);
    // The codec writes the newest default, -1, where it may.
    let answer = if version >= 11 {
        answer.with_preferred_read_replica((-1).into())
    } else {
        answer
    };
    match outcome {
        Ok(data) => answer
            .with_high_watermark(data.high_watermark)
            .with_last_stable_offset(data.last_stable_offset)
            .with_log_start_offset(data.log_start)
            .with_aborted_transactions(data.aborted)
            .with_records(Some(join(data.batches))),
        Err(error) => answer
            .with_error_code(error.number())
            .with_high_watermark(-1)
            .with_last_stable_offset(-1)
            .with_log_start_offset(-1)
            .with_aborted_transactions(None)
            // Null would make librdkafka refuse the whole answer.
            .with_records(Some(Bytes::new())),
    }
}

fn join(mut batches: Vec<Bytes>) -> Bytes {
    if batches.len() == 1 {
        return batches.pop().unwrap_or_default();
    }
    let mut joined = BytesMut::with_capacity(batches.iter().map(Bytes::len).sum());
    batches
        .iter()
        .for_each(|batch| joined.extend_from_slice(batch));
    joined.freeze()
}

#[cfg(test)]
mod tests;
