use std::collections::HashMap;

use super::report::{Report, Status};
use crate::admin::{Cluster, Topic};
use crate::consumer::Registry;
use crate::kafka::Kafka;
use crate::management::CommandError;
use crate::management::table::counted;
use crate::settings::EmbeddedBrokerSettings;

/// A cluster that answered, and its topics.
pub(super) struct Reached {
    pub(super) cluster: Cluster,
    pub(super) topics: Vec<Topic>,
    /// Topics come into being when they are first used.
    pub(super) embedded: Option<EmbeddedBrokerSettings>,
}

/// Asks each cluster; those that don't answer are missing from the result.
pub(super) async fn check(
    kafka: &Kafka,
    clusters: &[Option<String>],
    registry: &Registry,
    report: &mut Report,
) -> Result<HashMap<Option<String>, Reached>, CommandError> {
    let mut reached = HashMap::new();
    for name in clusters {
        let check = format!("cluster {}", name.as_deref().unwrap_or("default"));
        let used = |spec: &crate::consumer::ConsumerSpec| spec.cluster == *name;
        let has_address = kafka
            .settings()
            .cluster(name.as_deref())
            .is_ok_and(|settings| {
                settings.bootstrap_servers.is_some() || settings.embedded_broker.is_some()
            });
        // Whoever only uses named clusters needs no default one.
        let unused = name.is_none() && clusters.len() > 1 && !registry.consumers().iter().any(used);
        if unused && !has_address {
            report.add(Status::Ok, check, "no address, and no consumer uses it")?;
            continue;
        }
        match reach(kafka, name.as_deref()).await {
            Ok((found, brokers)) => {
                let embedded = found.embedded.as_ref().map(|embedded| {
                    let directory = embedded.data_dir.display();
                    format!(" (the embedded broker, data in {directory})")
                });
                let embedded = embedded.unwrap_or_default();
                let message = format!(
                    "{}, {}, at {}{embedded}",
                    counted(brokers as u64, "broker"),
                    counted(found.topics.len() as u64, "topic"),
                    found.cluster.address()
                );
                report.add(Status::Ok, check, message)?;
                reached.insert(name.clone(), found);
            }
            Err(error) => report.add(Status::Fail, check, error)?,
        }
    }
    Ok(reached)
}

async fn reach(
    kafka: &Kafka,
    name: Option<&str>,
) -> Result<(Reached, usize), crate::admin::AdminError> {
    let cluster = Cluster::connect(kafka, name).await?;
    let brokers = cluster.brokers().await?;
    let topics = cluster.topics().await?;
    let settings = kafka.settings().cluster(name).ok();
    let reached = Reached {
        cluster,
        topics,
        embedded: settings.and_then(|settings| settings.embedded_in_use().cloned()),
    };
    Ok((reached, brokers))
}
