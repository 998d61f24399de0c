//! What becomes of failed messages in topics that somebody else made.

use crate::admin::Cluster;

/// How such a topic loses messages, and what to do; `None` when it keeps them,
/// or when the brokers don't tell.
pub(crate) async fn losses(connection: &Cluster, topic: &str) -> Option<String> {
    let values = connection
        .topic_settings(topic, ["cleanup.policy", "retention.ms", "retention.bytes"])
        .await?;
    told(topic, values, connection.address())
}

fn told(topic: &str, [policy, time, size]: [Option<String>; 3], address: &str) -> Option<String> {
    let compacts = |policy: &String| policy.contains("compact");
    let is_limit = |limit: &String| limit.parse::<i64>().is_ok_and(|limit| limit >= 0);
    // Only this policy looks at the limits.
    let deletes = policy
        .as_ref()
        .is_none_or(|policy| policy.contains("delete"));
    let (policy, time, size) = (
        policy.filter(compacts),
        time.filter(is_limit),
        size.filter(is_limit),
    );
    let mut reasons = Vec::new();
    if let Some(policy) = &policy {
        reasons.push(format!(
            "`cleanup.policy` is {policy}, so that of those with the same key only the last is kept"
        ));
    }
    if let Some(limit) = time.as_ref().filter(|_| deletes) {
        reasons.push(format!(
            "`retention.ms` is {limit}, so that older ones are deleted"
        ));
    }
    if let Some(limit) = size.as_ref().filter(|_| deletes) {
        reasons.push(format!(
            "`retention.bytes` is {limit}, so that the oldest beyond that size are deleted"
        ));
    }
    if reasons.is_empty() {
        return None;
    }
    let changes = [
        policy.map(|_| "cleanup.policy=delete"),
        time.map(|_| "retention.ms=-1"),
        size.map(|_| "retention.bytes=-1"),
    ];
    let changes: Vec<_> = changes.into_iter().flatten().collect();
    Some(format!(
        "topic `{topic}` loses failed messages: {}; `kafka-configs.sh --bootstrap-server {address} \
         --alter --entity-type topics --entity-name {topic} --add-config {}` has it keep them",
        reasons.join("; "),
        changes.join(","),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: [&str; 3]) -> Option<String> {
        told("a.t.dlt", values.map(|value| Some(value.to_owned())), "b:1")
    }

    #[test]
    fn a_topic_as_the_framework_makes_it_loses_nothing() {
        assert_eq!(of(["delete", "-1", "-1"]), None);
        assert_eq!(told("a.t.dlt", [None, None, None], "b:1"), None);
    }

    #[test]
    fn each_setting_that_loses_messages_is_named_with_the_command_that_changes_it() {
        let command = "`kafka-configs.sh --bootstrap-server b:1 --alter --entity-type topics \
                       --entity-name a.t.dlt --add-config ";
        for (values, named, changes) in [
            (
                ["compact", "-1", "-1"],
                &["`cleanup.policy` is compact"][..],
                "cleanup.policy=delete",
            ),
            (
                ["compact,delete", "604800000", "-1"],
                &[
                    "`cleanup.policy` is compact,delete",
                    "`retention.ms` is 604800000",
                ],
                "cleanup.policy=delete,retention.ms=-1",
            ),
            // The limit counts as soon as the policy is changed.
            (
                ["compact", "604800000", "-1"],
                &["`cleanup.policy` is compact"],
                "cleanup.policy=delete,retention.ms=-1",
            ),
            (
                ["delete", "-1", "0"],
                &["`retention.bytes` is 0"],
                "retention.bytes=-1",
            ),
        ] {
            let said = of(values).expect("it loses some");
            assert_eq!(said.matches("` is ").count(), named.len(), "{said}");
            for words in named {
                assert!(said.contains(words), "{words}: {said}");
            }
            let command = format!("{command}{changes}`");
            assert!(said.contains(&command), "{command}: {said}");
        }
    }
}
