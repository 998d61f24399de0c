use rdkafka::consumer::Consumer;
use serde::Serialize;

use super::{AdminError, Cluster};

/// A consumer group, as its coordinator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupState {
    /// The group.
    pub group_id: String,
    /// Kafka's word for it: `Stable`, `Empty`, `PreparingRebalance`,
    /// `CompletingRebalance`, `Dead` (there is no such group). A group of the
    /// new protocol (`group.protocol=consumer`) shows as `Dead` or not at all,
    /// because this request is older than it.
    pub state: String,
    /// How many members it has now.
    pub members: usize,
}

impl Cluster {
    /// The state of a group; `None` when the brokers know none of that name.
    ///
    /// # Errors
    /// When no broker answers, or the client may not see the group.
    pub async fn group(&self, group_id: &str) -> Result<Option<GroupState>, AdminError> {
        let (timeout, wanted) = (self.timeout, group_id.to_owned());
        let action = format!("describe group `{group_id}`");
        self.ask(action, move |client| {
            let groups = client.fetch_group_list(Some(&wanted), timeout)?;
            let group = groups.groups().iter().find(|group| group.name() == wanted);
            Ok(group.map(|group| GroupState {
                group_id: wanted.clone(),
                state: group.state().to_owned(),
                members: group.members().len(),
            }))
        })
        .await
    }
}
