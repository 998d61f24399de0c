//! The codec's requests by key, to decode whatever the guard lets through.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages;
use kafka_protocol::protocol::{Decodable, Encodable};

macro_rules! requests {
    ($($key:literal => $request:ident,)*) => {
        /// Decodes a body; then what is left of it, and the request encoded again.
        pub(crate) fn recode(key: i16, version: i16, body: &[u8]) -> Result<(usize, Bytes), String> {
            let mut body = Bytes::copy_from_slice(body);
            match key {
                $($key => {
                    let request = messages::$request::decode(&mut body, version)
                        .map_err(|error| error.to_string())?;
                    let mut again = BytesMut::new();
                    request.encode(&mut again, version).map_err(|error| format!("again: {error}"))?;
                    Ok((body.len(), again.freeze()))
                })*
                _ => Err(format!("no request {key}")),
            }
        }

        /// The request of that key as the codec writes it when nothing is set.
        #[cfg(test)]
        pub(crate) fn unset(key: i16, version: i16) -> Result<Bytes, String> {
            let mut body = BytesMut::new();
            match key {
                $($key => messages::$request::default().encode(&mut body, version),)*
                _ => return Err(format!("no request {key}")),
            }
            .map_err(|error| error.to_string())?;
            Ok(body.freeze())
        }
    };
}

requests! {
    0 => ProduceRequest,
    1 => FetchRequest,
    2 => ListOffsetsRequest,
    3 => MetadataRequest,
    8 => OffsetCommitRequest,
    9 => OffsetFetchRequest,
    10 => FindCoordinatorRequest,
    11 => JoinGroupRequest,
    12 => HeartbeatRequest,
    13 => LeaveGroupRequest,
    14 => SyncGroupRequest,
    15 => DescribeGroupsRequest,
    16 => ListGroupsRequest,
    17 => SaslHandshakeRequest,
    18 => ApiVersionsRequest,
    19 => CreateTopicsRequest,
    20 => DeleteTopicsRequest,
    21 => DeleteRecordsRequest,
    22 => InitProducerIdRequest,
    23 => OffsetForLeaderEpochRequest,
    24 => AddPartitionsToTxnRequest,
    25 => AddOffsetsToTxnRequest,
    26 => EndTxnRequest,
    28 => TxnOffsetCommitRequest,
    32 => DescribeConfigsRequest,
    33 => AlterConfigsRequest,
    36 => SaslAuthenticateRequest,
    37 => CreatePartitionsRequest,
    42 => DeleteGroupsRequest,
    44 => IncrementalAlterConfigsRequest,
    47 => OffsetDeleteRequest,
    60 => DescribeClusterRequest,
    61 => DescribeProducersRequest,
    65 => DescribeTransactionsRequest,
    66 => ListTransactionsRequest,
    68 => ConsumerGroupHeartbeatRequest,
    69 => ConsumerGroupDescribeRequest,
    75 => DescribeTopicPartitionsRequest,
}
