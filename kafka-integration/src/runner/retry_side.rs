//! A consumer's other side: what consumes the retry topics of its topics.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::plan::Plan;
use super::supervise::supervise;
use super::sweep::Sweep;
use crate::admin::{AdminError, Cluster};
use crate::kafka::ClientError;

/// How long to wait before the brokers are asked again.
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// Runs the consumer of the retry topics until `stop`: when the policies use
/// them, or when an earlier policy has left some.
pub(super) async fn supervise_retry(
    plan: Plan,
    stop: CancellationToken,
) -> Result<(), ClientError> {
    let wanted = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        wanted = is_wanted(&plan) => wanted,
    };
    if !wanted {
        return Ok(());
    }
    plan.counters().activate();
    let sweep = Sweep::of(&plan);
    tokio::select! {
        ended = supervise(plan, stop) => ended,
        never = sweep.run() => match never {},
    }
}

async fn is_wanted(plan: &Plan) -> bool {
    let used = plan.retry_topics();
    if !used.is_empty() {
        // Topics that exist before their consumer looks for them are found at
        // once; others with its next look at the metadata.
        for (source, targets) in used {
            plan.mover().prepare(&source, &targets).await;
        }
        return true;
    }
    if plan.uses_retry_topics() {
        return true;
    }
    let mut delay = FIRST_DELAY;
    loop {
        match left_over(plan).await {
            Ok(found) => return found,
            Err(error) => tracing::debug!(
                consumer = plan.name(),
                %error,
                "cannot look for retry topics yet"
            ),
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

/// Whether there are retry topics though no policy uses any: what waits there
/// must not wait for ever.
async fn left_over(plan: &Plan) -> Result<bool, AdminError> {
    let cluster = Cluster::connect(plan.kafka(), plan.cluster()).await?;
    let topics = cluster.topics().await?;
    let names = topics.iter().map(|topic| topic.name.as_str());
    Ok(names.into_iter().any(|name| plan.takes(name)))
}
