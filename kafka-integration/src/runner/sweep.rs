//! Keeps retry topics from growing for ever: what is finished there is deleted.

use std::convert::Infallible;
use std::time::Duration;

use super::plan::Plan;
use super::routes::Routes;
use crate::admin::{AdminError, Cluster};
use crate::kafka::Kafka;

/// How often. Nothing depends on it but how much lies there.
const INTERVAL: Duration = Duration::from_secs(600);

/// Deletes the records of a consumer's retry topics that its retry group has
/// committed. Their retention is unlimited, for what is not finished must not go;
/// so nobody else removes them, and they would all be handled again if the
/// group's offsets were lost.
pub(super) struct Sweep {
    kafka: Kafka,
    cluster: Option<String>,
    group: String,
    name: String,
    routes: Routes,
}

impl Sweep {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            kafka: plan.kafka().clone(),
            cluster: plan.cluster().map(str::to_owned),
            group: plan.group().to_owned(),
            name: plan.name().to_owned(),
            routes: plan.routes(),
        }
    }

    /// Does it from time to time, for ever.
    pub(super) async fn run(&self) -> Infallible {
        let mut told = false;
        loop {
            tokio::time::sleep(INTERVAL).await;
            match self.once().await {
                Ok(()) => told = false,
                Err(error) if !told => {
                    told = true;
                    tracing::warn!(
                        consumer = self.name,
                        %error,
                        "what is finished in retry topics is not deleted and goes on to take room"
                    );
                }
                Err(_) => {}
            }
        }
    }

    /// Deletes what is finished now.
    async fn once(&self) -> Result<(), AdminError> {
        let cluster = Cluster::connect(&self.kafka, self.cluster.as_deref()).await?;
        let topics = cluster.topics().await?;
        let names = topics.iter().map(|topic| topic.name.as_str());
        let ours: Vec<_> = names.filter(|name| self.routes.matches(name)).collect();
        let lags = cluster.lag(&self.group, &ours).await?;
        let finished = lags.into_iter().filter_map(|lag| {
            // A commit above the end is of a topic that was made anew since.
            let below = lag
                .committed
                .filter(|committed| Some(*committed) <= lag.end)?;
            (below > 0).then_some((lag.topic, lag.partition, below))
        });
        cluster.delete_records(&finished.collect::<Vec<_>>()).await
    }
}

#[cfg(all(test, feature = "embedded-broker"))]
mod tests;
