use kafka_protocol::messages::ApiKey;

use super::FaultError;
use super::subject::Subject;
use crate::wire::served;

/// Which requests a fault strikes.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    /// `None`: any.
    pub(super) api: Option<ApiKey>,
    pub(super) client_id: Option<String>,
    pub(super) topic: Option<String>,
    pub(super) group: Option<String>,
    pub(super) transactional_id: Option<String>,
    /// The group or the transactional id that a coordinator is asked about.
    pub(super) coordinated: Option<String>,
}

impl Filter {
    /// Whether requests of this API by this client may be struck at all.
    pub(super) fn admits(&self, api: ApiKey, client_id: &str) -> bool {
        self.api.is_none_or(|one| one == api)
            && self.client_id.as_deref().is_none_or(|id| id == client_id)
            && (self.coordinated.is_none() || coordinated_by(api).is_some())
    }

    pub(super) fn matches(&self, api: ApiKey, subject: &Subject<'_>) -> bool {
        let is = |wanted: &Option<String>, named: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == named
        };
        let coordinated = match coordinated_by(api) {
            Some(Kind::Group) => subject.group,
            Some(Kind::Transaction) => subject.transactional_id,
            None => None,
        };
        is(&self.topic, subject.topic)
            && is(&self.group, subject.group)
            && is(&self.transactional_id, subject.transactional_id)
            && is(&self.coordinated, coordinated)
    }

    /// # Errors
    /// No request could match.
    pub(super) fn check(&self) -> Result<(), FaultError> {
        let Some(api) = self.api else {
            return Ok(());
        };
        if served(api as i16).is_none() {
            return Err(FaultError::NotServed(api));
        }
        let wanted = [
            (self.topic.is_some(), names_topics(api), "topic"),
            (self.group.is_some(), names_groups(api), "group"),
            (
                self.transactional_id.is_some(),
                names_transactions(api),
                "transactional id",
            ),
        ];
        for (is_wanted, is_named, what) in wanted {
            if is_wanted && !is_named {
                return Err(FaultError::NeverNames { api, what });
            }
        }
        Ok(())
    }
}

/// What a coordinator is responsible for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Group,
    Transaction,
}

/// Which coordinator serves an API: that of the group, or of the transaction.
fn coordinated_by(api: ApiKey) -> Option<Kind> {
    match api {
        ApiKey::OffsetCommit
        | ApiKey::OffsetFetch
        | ApiKey::JoinGroup
        | ApiKey::Heartbeat
        | ApiKey::LeaveGroup
        | ApiKey::SyncGroup
        | ApiKey::DescribeGroups
        | ApiKey::DeleteGroups
        | ApiKey::OffsetDelete
        | ApiKey::TxnOffsetCommit
        | ApiKey::ConsumerGroupHeartbeat
        | ApiKey::ConsumerGroupDescribe => Some(Kind::Group),
        ApiKey::InitProducerId
        | ApiKey::AddPartitionsToTxn
        | ApiKey::AddOffsetsToTxn
        | ApiKey::EndTxn
        | ApiKey::DescribeTransactions => Some(Kind::Transaction),
        _ => None,
    }
}

fn names_topics(api: ApiKey) -> bool {
    matches!(
        api,
        ApiKey::Produce
            | ApiKey::Fetch
            | ApiKey::ListOffsets
            | ApiKey::Metadata
            | ApiKey::OffsetCommit
            | ApiKey::OffsetFetch
            | ApiKey::CreateTopics
            | ApiKey::DeleteTopics
            | ApiKey::DeleteRecords
            | ApiKey::OffsetForLeaderEpoch
            | ApiKey::AddPartitionsToTxn
            | ApiKey::TxnOffsetCommit
            | ApiKey::DescribeConfigs
            | ApiKey::AlterConfigs
            | ApiKey::CreatePartitions
            | ApiKey::IncrementalAlterConfigs
            | ApiKey::OffsetDelete
            | ApiKey::DescribeProducers
            | ApiKey::DescribeTopicPartitions
    )
}

fn names_groups(api: ApiKey) -> bool {
    coordinated_by(api) == Some(Kind::Group)
        || matches!(api, ApiKey::FindCoordinator | ApiKey::AddOffsetsToTxn)
}

fn names_transactions(api: ApiKey) -> bool {
    coordinated_by(api) == Some(Kind::Transaction)
        || matches!(
            api,
            ApiKey::Produce | ApiKey::FindCoordinator | ApiKey::TxnOffsetCommit
        )
}
