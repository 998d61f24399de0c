use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Code, Stop, produce_transactions};
use crate::core::RequestContext;
use crate::log::{Partition, SequenceError, Topic};
use crate::records::{RecordProblem, RecordsError, Rules, ValidBatch, validate_aside};
use crate::store::{AppendError, Appended};
use crate::transactions::Identity;

/// The oldest version that is served; the ones before are advertised for the
/// sake of older clients, see [`crate::wire::SERVED`].
const OLDEST: i16 = 3;

/// The version that names topics by their ids.
const TOPIC_IDS: i16 = 13;

/// Appends records, and answers when they are durable.
pub(super) async fn handle(
    cx: &RequestContext,
    request: ProduceRequest,
) -> Result<ProduceResponse, Stop> {
    if cx.version < OLDEST {
        return Err(Stop::Close(format!(
            "Produce in version {} is not served",
            cx.version
        )));
    }
    let silent = request.acks == 0;
    let response = append(cx, request).await;
    if !silent {
        return Ok(response);
    }
    let failed = response
        .responses
        .iter()
        .flat_map(|topic| {
            topic
                .partition_responses
                .iter()
                .map(move |partition| (topic, partition))
        })
        .find(|(_, partition)| partition.error_code != 0);
    match failed {
        None => Err(Stop::Silent),
        // The client waits for no answer, so this is the only way to tell it.
        Some((topic, partition)) => Err(Stop::Close(format!(
            "a record for {:?} {} [{}] sent with acks=0 was refused with error {}",
            topic.name.as_str(),
            topic.topic_id,
            partition.index,
            partition.error_code
        ))),
    }
}

async fn append(cx: &RequestContext, request: ProduceRequest) -> ProduceResponse {
    let whole = if matches!(request.acks, -1..=1) {
        None
    } else {
        Some(ResponseError::InvalidRequiredAcks)
    };
    let transactional_id = request.transactional_id;
    let mut topics = Vec::with_capacity(request.topic_data.len());
    let mut waiting = Vec::new();
    for topic in request.topic_data {
        let found = match whole {
            Some(error) => Err(error),
            None => find(cx, &topic),
        };
        let mut partitions = Vec::with_capacity(topic.partition_data.len());
        for data in topic.partition_data {
            let index = data.index;
            let checked = match &found {
                Err(error) => Err(Refused::plain(*error)),
                Ok(topic) => check(cx, topic, data, transactional_id.is_some()).await,
            };
            match checked {
                Ok((partition, batch)) => {
                    waiting.push(Waiting {
                        place: (topics.len(), partitions.len()),
                        partition,
                        batch,
                    });
                    partitions.push(PartitionProduceResponse::default().with_index(index));
                }
                Err(refused) => partitions.push(refused.answer(index, cx.version)),
            }
        }
        topics.push(
            TopicProduceResponse::default()
                .with_name(topic.name)
                .with_topic_id(topic.topic_id)
                .with_partition_responses(partitions),
        );
    }
    if let Some(id) = &transactional_id
        && cx.version >= produce_transactions::BEGINS
    {
        for (place, error) in produce_transactions::begin(cx, id, &mut waiting).await {
            let answer = answer_at(&mut topics, place);
            *answer = Refused::plain(error).answer(answer.index, cx.version);
        }
    }
    if !waiting.is_empty() {
        let id = transactional_id.as_ref().map(|id| &***id);
        write(cx, id, waiting, &mut topics).await;
    }
    ProduceResponse::default().with_responses(topics)
}

/// Has the batches written, and answers for each of them.
async fn write(
    cx: &RequestContext,
    transactional_id: Option<&str>,
    waiting: Vec<Waiting>,
    topics: &mut [TopicProduceResponse],
) {
    let places: Vec<_> = waiting
        .iter()
        .map(|one| (one.place, Identity::from(&one.batch)))
        .collect();
    let batches = waiting
        .into_iter()
        .map(|one| (one.partition, one.batch))
        .collect();
    let results = match cx.core.writer.append(batches).await {
        Ok(appending) => {
            cx.ahead.give();
            appending.done().await
        }
        Err(error) => Err(error),
    };
    let mut results = results.map_err(|error| tracing::warn!(%error, "records were not written"));
    for (at, (place, who)) in places.into_iter().enumerate() {
        let refused = match &mut results {
            Ok(results) => match results.get_mut(at) {
                Some(Ok(appended)) => {
                    let answer = answer_at(topics, place);
                    *answer = accepted(answer.index, appended);
                    continue;
                }
                Some(Err(error)) => {
                    let mut refused = refusal(error, cx.version);
                    if let (AppendError::Sequence(SequenceError::NotInTransaction), Some(id)) =
                        (&*error, transactional_id)
                    {
                        refused.error =
                            produce_transactions::explain(cx, id, who, refused.error).await;
                    }
                    refused
                }
                None => Refused::plain(ResponseError::UnknownServerError),
            },
            // Whether they were written is not known; a retry finds out.
            Err(()) => Refused::plain(ResponseError::KafkaStorageError),
        };
        let answer = answer_at(topics, place);
        *answer = refused.answer(answer.index, cx.version);
    }
}

/// A batch that passed every check, and where in the response its answer goes.
pub(super) struct Waiting {
    pub(super) place: (usize, usize),
    pub(super) partition: Arc<Partition>,
    pub(super) batch: ValidBatch,
}

fn answer_at(
    topics: &mut [TopicProduceResponse],
    (topic, partition): (usize, usize),
) -> &mut PartitionProduceResponse {
    &mut topics[topic].partition_responses[partition]
}

/// The topic by its id, or by its name before [`TOPIC_IDS`].
fn find(cx: &RequestContext, topic: &TopicProduceData) -> Result<Arc<Topic>, ResponseError> {
    let catalogue = &cx.core.catalogue;
    if cx.version >= TOPIC_IDS {
        let found = catalogue.topic_by_id(topic.topic_id);
        found.ok_or(ResponseError::UnknownTopicId)
    } else {
        let found = catalogue.topic(&topic.name);
        found.ok_or(ResponseError::UnknownTopicOrPartition)
    }
}

/// Everything that can be said about a partition's records without the writer.
async fn check(
    cx: &RequestContext,
    topic: &Topic,
    data: PartitionProduceData,
    transactional: bool,
) -> Result<(Arc<Partition>, ValidBatch), Refused> {
    let Some(partition) = topic.partition(data.index) else {
        return Err(Refused::plain(ResponseError::UnknownTopicOrPartition));
    };
    let records = data.records.unwrap_or_default();
    let rules = Rules::of(&topic.config(), cx.version);
    let batch = validate_aside(records, rules).await?;
    if batch.header.is_transactional() && !transactional {
        return Err(Refused::plain(
            ResponseError::TransactionalIdAuthorizationFailed,
        ));
    }
    Ok((partition, batch))
}

fn accepted(index: i32, appended: &Appended) -> PartitionProduceResponse {
    PartitionProduceResponse::default()
        .with_index(index)
        .with_base_offset(appended.base_offset)
        .with_log_append_time_ms(appended.log_append_time)
        .with_log_start_offset(appended.log_start)
}

/// Why a partition's records were not taken.
struct Refused {
    error: ResponseError,
    message: Option<String>,
    records: Vec<RecordProblem>,
}

impl Refused {
    fn plain(error: ResponseError) -> Self {
        Self {
            error,
            message: None,
            records: Vec::new(),
        }
    }

    fn answer(self, index: i32, version: i16) -> PartitionProduceResponse {
        let mut answer = PartitionProduceResponse::default()
            .with_index(index)
            .with_error_code(self.error.number())
            .with_base_offset(-1)
            .with_log_append_time_ms(-1)
            .with_log_start_offset(-1);
        if version >= 8 {
            answer.error_message = self.message.map(StrBytes::from_string);
            answer.record_errors = self
                .records
                .into_iter()
                .map(|problem| {
                    BatchIndexAndErrorMessage::default()
                        .with_batch_index(problem.index)
                        .with_batch_index_error_message(Some(StrBytes::from_string(
                            problem.message,
                        )))
                })
                .collect();
        }
        answer
    }
}

impl From<RecordsError> for Refused {
    fn from(error: RecordsError) -> Self {
        Self {
            error: error.code(),
            message: Some(error.to_string()),
            records: error.into_problems(),
        }
    }
}

fn refusal(error: &AppendError, version: i16) -> Refused {
    let code = match error {
        AppendError::Deleted => ResponseError::UnknownTopicOrPartition,
        AppendError::Storage(error) => {
            // Clients try again for minutes without a word.
            tracing::warn!(%error, "records were refused");
            ResponseError::KafkaStorageError
        }
        AppendError::Sequence(error) => match error {
            SequenceError::OutOfOrder { .. } => ResponseError::OutOfOrderSequenceNumber,
            SequenceError::Fenced { .. } => ResponseError::InvalidProducerEpoch,
            SequenceError::OutsideTransaction => ResponseError::InvalidTxnState,
            SequenceError::NotInTransaction if version < 11 => ResponseError::InvalidTxnState,
            SequenceError::NotInTransaction => ResponseError::TransactionAbortable,
        },
    };
    Refused {
        error: code,
        message: Some(error.to_string()),
        records: Vec::new(),
    }
}
