//! What the faults that are set do to one request.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiKey;

use super::rules::{Action, Armed, Rule, Rules, Who};
use super::subject::{Cut, Faultable, Subject};
use crate::api::Stop;
use crate::core::RequestContext;
use crate::sessions::Asked;

/// What becomes of a request.
pub(super) struct Plan<R: Faultable> {
    /// First it waits.
    pub(super) delays: Vec<(Arc<Rule>, Duration)>,
    /// These answers are made up.
    pub(super) refused: Vec<Result<R::Answer, Stop>>,
    /// This is handled.
    pub(super) rest: Option<R>,
    pub(super) end: End,
}

pub(super) enum End {
    Answer,
    Disconnect,
    Silence(Arc<Rule>),
    /// After it was handled.
    LoseAnswer(Vec<Arc<Rule>>),
}

impl Rules {
    /// Counts the request with every fault that it matches.
    pub(super) fn plan<R: Faultable>(
        &self,
        cx: &RequestContext,
        api: ApiKey,
        request: R,
    ) -> Plan<R> {
        let who = Who::of(cx, api);
        self.with(|armed| {
            let mut plan = Plan {
                delays: Vec::new(),
                refused: Vec::new(),
                rest: Some(request),
                end: End::Answer,
            };
            for armed in armed.iter_mut().filter(|armed| armed.admits(&who)) {
                // What is refused already can't be struck again.
                if plan.rest.is_none() || !plan.add(cx, armed, &who) {
                    break;
                }
            }
            plan
        })
    }

    /// The errors that a fetch is to find for what it asks.
    pub(crate) fn refused_fetches(
        &self,
        cx: &RequestContext,
        asked: &[Asked],
    ) -> Vec<Option<ResponseError>> {
        let who = Who::of(cx, ApiKey::Fetch);
        self.with(|armed| {
            let mut refused = vec![None; asked.len()];
            for armed in armed.iter_mut().filter(|armed| armed.admits(&who)) {
                let Action::Error(error) = armed.rule.action else {
                    continue;
                };
                let meant: Vec<usize> = (0..asked.len())
                    .filter(|at| refused[*at].is_none())
                    .filter(|at| {
                        let key = &asked[*at].key;
                        super::requests::with_topic(cx, &key.topic, key.topic_id, |topic| {
                            let subject = Subject {
                                topic,
                                ..Subject::default()
                            };
                            armed.matches(ApiKey::Fetch, &subject)
                        })
                    })
                    .collect();
                if !meant.is_empty() && armed.strikes(&who) {
                    armed.rule.count_hit();
                    meant.into_iter().for_each(|at| refused[at] = Some(error));
                }
            }
            refused
        })
    }
}

impl<R: Faultable> Plan<R> {
    /// Adds what one fault does; tells whether another may follow.
    fn add(&mut self, cx: &RequestContext, armed: &mut Armed, who: &Who<'_>) -> bool {
        let Some(request) = &mut self.rest else {
            return false;
        };
        let code = armed.rule.action.code();
        if code.is_some_and(|code| !R::refuses(code)) {
            return true;
        }
        let mut is_matched = false;
        request.cut(cx, &mut |subject| {
            let placed = code.is_none() || !subject.placeless;
            is_matched |= placed && armed.matches(who.api, subject);
            false
        });
        if !is_matched || !armed.strikes(who) {
            return true;
        }
        let rule = &armed.rule;
        match rule.action {
            Action::LoseAnswer => {
                match &mut self.end {
                    End::LoseAnswer(rules) => rules.push(Arc::clone(rule)),
                    end => *end = End::LoseAnswer(vec![Arc::clone(rule)]),
                }
                // It hits when the request is handled.
                return true;
            }
            Action::Error(_) => {
                let code = code.unwrap_or_default();
                let mut is_meant = |subject: &Subject<'_>| {
                    !subject.placeless && rule.filter.matches(who.api, subject)
                };
                let part = match request.cut(cx, &mut is_meant) {
                    Cut::Nothing => None,
                    Cut::Part(part) => Some(part),
                    Cut::Whole => self.rest.take(),
                };
                self.refused.extend(part.map(|part| part.refuse(cx, code)));
            }
            Action::Delay(delay) => self.delays.push((Arc::clone(rule), delay)),
            Action::Disconnect => self.end = End::Disconnect,
            Action::Silence => self.end = End::Silence(Arc::clone(rule)),
        }
        rule.count_hit();
        !matches!(self.end, End::Disconnect | End::Silence(_))
    }
}

impl<'a> Who<'a> {
    fn of(cx: &'a RequestContext, api: ApiKey) -> Self {
        Self {
            api,
            client_id: &cx.client_id,
            connection: cx.connection,
        }
    }
}
