use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::{Code, Stop};
use crate::core::RequestContext;
use crate::log::{Partition, SequenceError};
use crate::records::{RecordProblem, RecordsError, Rules, ValidBatch, validate};
use crate::store::{AppendError, Appended};

/// The oldest version that is served; the ones before are advertised for the
/// sake of older clients, see [`crate::wire::SERVED`].
const OLDEST: i16 = 3;

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
            "a record for {} [{}] sent with acks=0 was refused with error {}",
            topic.name.as_str(),
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
    let transactional = request.transactional_id.is_some();
    // Which answers wait for the writer, in the order of its batches.
    let mut places = Vec::new();
    let mut batches: Vec<(Arc<Partition>, ValidBatch)> = Vec::new();
    let mut topics = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let mut partitions = Vec::with_capacity(topic.partition_data.len());
        for data in topic.partition_data {
            let index = data.index;
            let checked = match whole {
                Some(error) => Err(Refused::plain(error)),
                None => check(cx, &topic.name, data, transactional),
            };
            match checked {
                Ok(batch) => {
                    places.push((topics.len(), partitions.len()));
                    batches.push(batch);
                    partitions.push(PartitionProduceResponse::default().with_index(index));
                }
                Err(refused) => partitions.push(refused.answer(index, cx.version)),
            }
        }
        topics.push(
            TopicProduceResponse::default()
                .with_name(topic.name)
                .with_partition_responses(partitions),
        );
    }
    if !batches.is_empty() {
        let results = cx.core.writer.append(batches).await;
        let mut results =
            results.map_err(|error| tracing::warn!(%error, "records were not written"));
        for (at, (topic, partition)) in places.into_iter().enumerate() {
            let answer = &mut topics[topic].partition_responses[partition];
            *answer = match &mut results {
                Ok(results) => match results.get_mut(at) {
                    Some(Ok(appended)) => accepted(answer.index, appended),
                    Some(Err(error)) => refusal(error, cx.version).answer(answer.index, cx.version),
                    None => Refused::plain(ResponseError::UnknownServerError)
                        .answer(answer.index, cx.version),
                },
                // Whether they were written is not known; a retry finds out.
                Err(()) => Refused::plain(ResponseError::KafkaStorageError)
                    .answer(answer.index, cx.version),
            };
        }
    }
    ProduceResponse::default().with_responses(topics)
}

/// Everything that can be said about a partition's records without the writer.
fn check(
    cx: &RequestContext,
    topic: &TopicName,
    data: PartitionProduceData,
    transactional: bool,
) -> Result<(Arc<Partition>, ValidBatch), Refused> {
    let topic = cx.core.catalogue.topic(topic);
    let found = topic
        .as_ref()
        .and_then(|topic| Some((topic.config(), topic.partition(data.index)?)));
    let Some((config, partition)) = found else {
        return Err(Refused::plain(ResponseError::UnknownTopicOrPartition));
    };
    let records = data.records.unwrap_or_default();
    let batch = validate(&records, &Rules::of(&config, cx.version))?;
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
        AppendError::Storage(_) => ResponseError::KafkaStorageError,
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
