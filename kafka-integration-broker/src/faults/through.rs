use kafka_protocol::messages::ApiKey;
use tokio::time::sleep;

use super::plan::{End, Plan};
use super::subject::Faultable;
use crate::api::Stop;
use crate::core::RequestContext;

/// Handles a request as the faults that are set have it.
pub(crate) async fn through<R: Faultable>(
    cx: &RequestContext,
    api: ApiKey,
    request: R,
    handle: impl AsyncFnOnce(&RequestContext, R) -> Result<R::Answer, Stop>,
) -> Result<R::Answer, Stop> {
    let Plan {
        delays,
        refused,
        rest,
        end,
    } = cx.core.faults.plan(cx, api, request);
    for (rule, delay) in delays {
        tokio::select! {
            () = sleep(delay) => {}
            () = rule.lifted.cancelled() => {}
        }
    }
    match &end {
        End::Disconnect => {
            return Err(Stop::Close(format!("{api:?}: disconnected on purpose")));
        }
        End::Silence(rule) => return Err(Stop::Mute(rule.lifted.clone())),
        End::Answer | End::LoseAnswer(_) => {}
    }
    let mut answer = match rest {
        Some(rest) => Some(handle(cx, rest).await),
        None => None,
    };
    for refused in refused {
        answer = Some(match (answer, refused) {
            (None | Some(Err(Stop::Silent)), refused) => refused,
            (Some(Ok(mut answer)), Ok(refused)) => {
                R::merge(&mut answer, refused);
                Ok(answer)
            }
            (Some(Ok(_)), Err(stop)) | (Some(Err(stop)), _) => Err(stop),
        });
    }
    if let End::LoseAnswer(rules) = end {
        rules.iter().for_each(|rule| rule.count_hit());
        return Err(Stop::Close(format!(
            "{api:?}: the answer was lost on purpose"
        )));
    }
    // Either something was left to handle, or all of it was refused.
    answer.unwrap_or_else(|| Err(Stop::Close(format!("{api:?}: nothing to answer"))))
}
