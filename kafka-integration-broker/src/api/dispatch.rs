//! From a frame to the frame that answers it.

use bytes::BytesMut;
use kafka_protocol::messages::{ApiKey, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};

use super::{
    Stop, add_offsets_to_txn, add_partitions_to_txn, alter_configs, api_versions,
    consumer_group_describe, consumer_group_heartbeat, create_partitions, create_topics,
    delete_groups, delete_records, delete_topics, describe_cluster, describe_configs,
    describe_groups, describe_producers, describe_topic_partitions, describe_transactions, end_txn,
    fetch, find_coordinator, heartbeat, incremental_alter_configs, init_producer_id, join_group,
    leave_group, list_groups, list_offsets, list_transactions, metadata, offset_commit,
    offset_delete, offset_fetch, offset_for_leader_epoch, produce, sync_group, txn_offset_commit,
};
use crate::core::RequestContext;
use crate::faults::{Faultable, through};
use crate::wire::{Frame, guard, served};

/// Answers one request: the response with its header, without its size.
pub(crate) async fn dispatch(mut cx: RequestContext, frame: Frame) -> Result<BytesMut, Stop> {
    let known = served(frame.api_key);
    let Some(api) = known.filter(|api| (api.min..=api.max).contains(&frame.version)) else {
        if frame.api_key == ApiKey::ApiVersions as i16 {
            // The client is newer. It must be able to read the answer, so it
            // gets the oldest, and asks again in a version that that names.
            return encode(&frame, 0, &api_versions::too_new());
        }
        return Err(Stop::Close(format!(
            "API {} in version {} is not served",
            frame.api_key, frame.version
        )));
    };
    cx.version = frame.version;
    match api.key {
        ApiKey::Produce => answer(cx, &frame, produce::handle).await,
        ApiKey::Fetch => answer(cx, &frame, fetch::handle).await,
        ApiKey::ListOffsets => answer(cx, &frame, list_offsets::handle).await,
        ApiKey::Metadata => answer(cx, &frame, metadata::handle).await,
        ApiKey::OffsetCommit => answer(cx, &frame, offset_commit::handle).await,
        ApiKey::OffsetFetch => answer(cx, &frame, offset_fetch::handle).await,
        ApiKey::FindCoordinator => answer(cx, &frame, find_coordinator::handle).await,
        ApiKey::JoinGroup => answer(cx, &frame, join_group::handle).await,
        ApiKey::Heartbeat => answer(cx, &frame, heartbeat::handle).await,
        ApiKey::LeaveGroup => answer(cx, &frame, leave_group::handle).await,
        ApiKey::SyncGroup => answer(cx, &frame, sync_group::handle).await,
        ApiKey::DescribeGroups => answer(cx, &frame, describe_groups::handle).await,
        ApiKey::ListGroups => answer(cx, &frame, list_groups::handle).await,
        ApiKey::ApiVersions => answer(cx, &frame, api_versions::handle).await,
        ApiKey::CreateTopics => answer(cx, &frame, create_topics::handle).await,
        ApiKey::DeleteTopics => answer(cx, &frame, delete_topics::handle).await,
        ApiKey::DeleteRecords => answer(cx, &frame, delete_records::handle).await,
        ApiKey::OffsetForLeaderEpoch => answer(cx, &frame, offset_for_leader_epoch::handle).await,
        ApiKey::DescribeConfigs => answer(cx, &frame, describe_configs::handle).await,
        ApiKey::AlterConfigs => answer(cx, &frame, alter_configs::handle).await,
        ApiKey::CreatePartitions => answer(cx, &frame, create_partitions::handle).await,
        ApiKey::DeleteGroups => answer(cx, &frame, delete_groups::handle).await,
        ApiKey::IncrementalAlterConfigs => {
            answer(cx, &frame, incremental_alter_configs::handle).await
        }
        ApiKey::OffsetDelete => answer(cx, &frame, offset_delete::handle).await,
        ApiKey::InitProducerId => answer(cx, &frame, init_producer_id::handle).await,
        ApiKey::AddPartitionsToTxn => answer(cx, &frame, add_partitions_to_txn::handle).await,
        ApiKey::AddOffsetsToTxn => answer(cx, &frame, add_offsets_to_txn::handle).await,
        ApiKey::EndTxn => answer(cx, &frame, end_txn::handle).await,
        ApiKey::TxnOffsetCommit => answer(cx, &frame, txn_offset_commit::handle).await,
        ApiKey::DescribeProducers => answer(cx, &frame, describe_producers::handle).await,
        ApiKey::DescribeTransactions => answer(cx, &frame, describe_transactions::handle).await,
        ApiKey::ListTransactions => answer(cx, &frame, list_transactions::handle).await,
        ApiKey::DescribeCluster => answer(cx, &frame, describe_cluster::handle).await,
        ApiKey::DescribeTopicPartitions => {
            answer(cx, &frame, describe_topic_partitions::handle).await
        }
        ApiKey::ConsumerGroupHeartbeat => {
            answer(cx, &frame, consumer_group_heartbeat::handle).await
        }
        ApiKey::ConsumerGroupDescribe => answer(cx, &frame, consumer_group_describe::handle).await,
        other => Err(Stop::Close(format!("{other:?} is not served"))),
    }
}

/// Decodes, handles, encodes.
pub(crate) async fn answer<R: Faultable>(
    mut cx: RequestContext,
    frame: &Frame,
    handle: impl AsyncFnOnce(&RequestContext, R) -> Result<R::Answer, Stop>,
) -> Result<BytesMut, Stop> {
    let (client_id, request) = decode::<R>(frame)?;
    cx.client_id = client_id;
    let client = cx.client_id.as_str();
    if !R::IS_SECRET {
        tracing::trace!(peer = %cx.peer, client, ?request, "asked");
    }
    let faulty = cx.core.faults.any().then(|| served(frame.api_key));
    let response = match faulty.flatten() {
        Some(api) => through(&cx, api.key, request, handle).await?,
        None => handle(&cx, request).await?,
    };
    if !R::IS_SECRET {
        tracing::trace!(peer = %cx.peer, client, ?response, "answered");
    }
    let version = R::answer_version(&response, frame.version);
    encode(frame, version, &response)
}

/// The client's id and the request in a frame.
fn decode<R: Decodable>(frame: &Frame) -> Result<(StrBytes, R), Stop> {
    let closed = |why: &dyn std::fmt::Display| {
        Stop::Close(format!(
            "API {} in version {}: {why}",
            frame.api_key, frame.version
        ))
    };
    let (header, body) = guard::request_header(&frame.bytes).map_err(|error| closed(&error))?;
    let client_id = StrBytes::from_string(header.client_id.into_owned());
    let mut body = frame.bytes.slice(body..);
    // The codec allocates what a frame claims to hold, so this comes first.
    guard::check(frame.api_key, frame.version, &body).map_err(|error| closed(&error))?;
    let request = R::decode(&mut body, frame.version).map_err(|error| closed(&error))?;
    Ok((client_id, request))
}

/// A response with its header, without its size.
fn encode<R: Encodable + HeaderVersion>(
    frame: &Frame,
    version: i16,
    response: &R,
) -> Result<BytesMut, Stop> {
    let failed = |error| {
        // A field was set that this version doesn't have: a mistake of ours.
        tracing::error!(api = frame.api_key, version, %error, "a response could not be encoded");
        Stop::Close(format!(
            "the response to API {} could not be encoded",
            frame.api_key
        ))
    };
    let header = ResponseHeader::default().with_correlation_id(frame.correlation_id);
    let mut bytes = BytesMut::new();
    header
        .encode(&mut bytes, R::header_version(version))
        .map_err(failed)?;
    response.encode(&mut bytes, version).map_err(failed)?;
    Ok(bytes)
}
