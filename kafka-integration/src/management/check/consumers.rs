use std::collections::HashMap;

use super::clusters::Reached;
use super::report::{Report, Status};
use crate::admin::{AdminError, Place, Topic};
use crate::consumer::ConsumerSpec;
use crate::kafka::Kafka;
use crate::management::CommandError;
use crate::management::pattern::matching;
use crate::management::table::counted;
use crate::retry::losses;
use crate::settings::ClientKind;

/// Checks what a consumer needs of its cluster.
pub(super) async fn check(
    kafka: &Kafka,
    spec: &ConsumerSpec,
    reached: &HashMap<Option<String>, Reached>,
    report: &mut Report,
) -> Result<(), CommandError> {
    let check = format!("consumer {}", spec.name);
    let config = kafka.client_config(spec.cluster.as_deref(), ClientKind::Consumer, &spec.config);
    if let Err(error) = config {
        return report.add(Status::Fail, check, format!("{error} ({})", spec.location));
    }
    let Some(reached) = reached.get(&spec.cluster) else {
        let name = spec.cluster.as_deref().unwrap_or("default");
        let known = kafka.settings().cluster(spec.cluster.as_deref());
        return match known {
            // That cluster's own line says what is wrong with it.
            Ok(_) => report.add(
                Status::Warn,
                check,
                format!("not checked: cluster {name} does not answer"),
            ),
            Err(error) => report.add(Status::Fail, check, format!("{error} ({})", spec.location)),
        };
    };
    for topic in &spec.topics {
        let (status, message) = subscription(topic.name(), reached).await;
        report.add(status, check.clone(), message)?;
    }
    moved_to(kafka, spec, reached, &check, report).await?;
    let (status, message) = group(spec, reached).await;
    report.add(status, check, message)
}

/// Whether what failed is kept where it moves to.
async fn moved_to(
    kafka: &Kafka,
    spec: &ConsumerSpec,
    reached: &Reached,
    check: &str,
    report: &mut Report,
) -> Result<(), CommandError> {
    let Ok(settings) = kafka.settings().cluster(spec.cluster.as_deref()) else {
        return Ok(());
    };
    let names = settings.topic_names();
    let is_ours = |topic: &&Topic| names.keeps_failed(&spec.group_id, &topic.name);
    for topic in reached.topics.iter().filter(is_ours) {
        if let Some(losses) = losses(&reached.cluster, &topic.name).await {
            report.add(Status::Warn, check, losses)?;
        }
    }
    Ok(())
}

/// Whether the topics of a subscription are there and can be read.
async fn subscription(name: &str, reached: &Reached) -> (Status, String) {
    let names: Vec<_> = reached
        .topics
        .iter()
        .map(|topic| topic.name.as_str())
        .collect();
    let Some(matched) = matching(name, &names) else {
        let message = format!("pattern `{name}` can't be read here; see what it matches yourself");
        return (Status::Warn, message);
    };
    let is_pattern = name.starts_with('^');
    if matched.is_empty() {
        return match (reached.embedded.is_some(), is_pattern) {
            (true, _) => (
                Status::Ok,
                format!("topic `{name}` is not there yet: the embedded broker makes it when used"),
            ),
            (false, true) => (
                Status::Warn,
                format!("no topic matches `{name}` yet; one that comes later is taken up"),
            ),
            (false, false) => (
                Status::Fail,
                format!("there is no topic `{name}`: make it with `kafka-topics create {name}`"),
            ),
        };
    }
    for topic in reached
        .topics
        .iter()
        .filter(|topic| matched.contains(&topic.name.as_str()))
    {
        match readable(&topic.name, &topic.partitions, reached).await {
            Ok(None) => {}
            Ok(Some(problem)) => return (Status::Fail, problem),
            Err(error) => return (Status::Fail, error.to_string()),
        }
    }
    let partitions = reached
        .topics
        .iter()
        .filter(|topic| matched.contains(&topic.name.as_str()));
    let partitions: usize = partitions.map(|topic| topic.partitions.len()).sum();
    let partitions = counted(partitions as u64, "partition");
    let message = match is_pattern {
        true => format!("`{name}` matches {}, {partitions}", matched.join(", ")),
        false => format!("topic `{name}` has {partitions}"),
    };
    (Status::Ok, message)
}

/// What keeps a topic from being read.
async fn readable(
    topic: &str,
    partitions: &[i32],
    reached: &Reached,
) -> Result<Option<String>, AdminError> {
    let ends = reached
        .cluster
        .offsets(topic, partitions, Place::End)
        .await?;
    let silent: Vec<_> = partitions
        .iter()
        .filter(|partition| !ends.contains_key(partition))
        .map(i32::to_string)
        .collect();
    Ok((!silent.is_empty()).then(|| {
        format!(
            "topic `{topic}`: partitions {} can't be read: they have no leader, or this client \
             may not read them; `kafka-topics describe {topic}` shows the leaders",
            silent.join(", ")
        )
    }))
}

async fn group(spec: &ConsumerSpec, reached: &Reached) -> (Status, String) {
    let group_id = &spec.group_id;
    match reached.cluster.group(group_id).await {
        Ok(Some(group)) if group.members > 0 => (
            Status::Ok,
            format!(
                "group `{group_id}` is {}, {} members",
                group.state, group.members
            ),
        ),
        Ok(_) => (
            Status::Ok,
            format!("group `{group_id}` has no members now (kafka-consume starts some)"),
        ),
        Err(error) => (Status::Fail, error.to_string()),
    }
}
