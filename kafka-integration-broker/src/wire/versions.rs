use kafka_protocol::messages::ApiKey;

/// The versions of one API that this broker serves and advertises.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    pub(crate) key: ApiKey,
    /// The lowest version named in ApiVersions.
    pub(crate) min: i16,
    pub(crate) max: i16,
}

const fn from(key: ApiKey, min: i16, max: i16) -> Served {
    Served { key, min, max }
}

/// Everything advertised. An API joins this table when it works, not before.
///
/// The codec's own `valid_versions` are not used: they contain versions that
/// Apache Kafka marks as unstable and doesn't offer.
pub(crate) static SERVED: &[Served] = &[
    // Older librdkafka switches compression off unless 0 is named; below 3 is
    // refused all the same, as Apache Kafka does.
    from(ApiKey::Produce, 0, 13),
    from(ApiKey::Fetch, 4, 17),
    from(ApiKey::ListOffsets, 1, 10),
    from(ApiKey::Metadata, 0, 13),
    from(ApiKey::OffsetCommit, 2, 9),
    from(ApiKey::OffsetFetch, 1, 9),
    from(ApiKey::FindCoordinator, 0, 5),
    from(ApiKey::JoinGroup, 0, 9),
    from(ApiKey::Heartbeat, 0, 4),
    from(ApiKey::LeaveGroup, 0, 5),
    from(ApiKey::SyncGroup, 0, 5),
    from(ApiKey::DescribeGroups, 0, 6),
    from(ApiKey::ListGroups, 0, 5),
    from(ApiKey::SaslHandshake, 0, 1),
    from(ApiKey::ApiVersions, 0, 4),
    from(ApiKey::InitProducerId, 0, 5),
    from(ApiKey::OffsetForLeaderEpoch, 2, 4),
    // 4 and later are for brokers among themselves.
    from(ApiKey::AddPartitionsToTxn, 0, 3),
    from(ApiKey::AddOffsetsToTxn, 0, 4),
    from(ApiKey::EndTxn, 0, 5),
    from(ApiKey::TxnOffsetCommit, 0, 5),
    from(ApiKey::CreateTopics, 2, 7),
    from(ApiKey::DeleteTopics, 1, 6),
    from(ApiKey::DeleteRecords, 0, 2),
    from(ApiKey::DescribeConfigs, 1, 4),
    from(ApiKey::AlterConfigs, 0, 2),
    from(ApiKey::SaslAuthenticate, 0, 2),
    from(ApiKey::CreatePartitions, 0, 3),
    from(ApiKey::DeleteGroups, 0, 2),
    from(ApiKey::IncrementalAlterConfigs, 0, 1),
    from(ApiKey::OffsetDelete, 0, 0),
    from(ApiKey::DescribeProducers, 0, 0),
    from(ApiKey::DescribeTransactions, 0, 0),
    from(ApiKey::ListTransactions, 0, 2),
    from(ApiKey::DescribeCluster, 0, 2),
    from(ApiKey::DescribeTopicPartitions, 0, 0),
    from(ApiKey::ConsumerGroupHeartbeat, 0, 1),
    from(ApiKey::ConsumerGroupDescribe, 0, 1),
];

/// The row of an API, if it is served at all.
pub(crate) fn served(key: i16) -> Option<&'static Served> {
    SERVED.iter().find(|row| row.key as i16 == key)
}
