use std::collections::HashSet;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::admin::{Problem, Repeated};
use super::{Code, Stop};
use crate::core::RequestContext;
use crate::log::Topic;

/// Deletes topics, which are named or given by id.
pub(super) async fn handle(
    cx: &RequestContext,
    request: DeleteTopicsRequest,
) -> Result<DeleteTopicsResponse, Stop> {
    let mut results = Vec::new();
    let mut refuse = |name: Option<TopicName>, id: Uuid, problem: Problem| {
        results.push(answer(cx, name, id).with_problem(cx, problem).0);
    };
    let bad = |message: &str| Problem::new(ResponseError::InvalidRequest, message);
    let mut names: Vec<TopicName> = request.topic_names;
    let mut ids: Vec<Uuid> = Vec::new();
    for topic in request.topics {
        match (topic.name, topic.topic_id.is_nil()) {
            (None, true) => refuse(
                None,
                Uuid::nil(),
                bad("Neither topic name nor id were specified."),
            ),
            (None, false) => ids.push(topic.topic_id),
            (Some(name), true) => names.push(name),
            (name, false) => refuse(
                name,
                topic.topic_id,
                bad("You may not specify both topic name and topic id."),
            ),
        }
    }
    let mut repeated = Repeated::of(names.iter().cloned());
    names.retain(|name| !repeated.is_repeated(name));
    for name in repeated.take() {
        refuse(Some(name), Uuid::nil(), bad("Duplicate topic name."));
    }
    let mut repeated = Repeated::of(ids.iter().copied());
    ids.retain(|id| !repeated.is_repeated(id));
    for id in repeated.take() {
        refuse(None, id, bad("Duplicate topic id."));
    }
    let mut found: Vec<Arc<Topic>> = Vec::new();
    for id in ids {
        match cx.core.catalogue.topic_by_id(id) {
            Some(topic) => found.push(topic),
            None => refuse(
                None,
                id,
                Problem::new(
                    ResponseError::UnknownTopicId,
                    "This server does not host this topic ID.",
                ),
            ),
        }
    }
    let by_id: HashSet<Uuid> = found.iter().map(|topic| topic.id).collect();
    for name in names {
        match cx.core.catalogue.topic(&name) {
            Some(topic) if by_id.contains(&topic.id) => {
                found.retain(|other| other.id != topic.id);
                let problem =
                    bad("The provided topic name maps to an ID that was already supplied.");
                refuse(Some(name), topic.id, problem);
            }
            Some(topic) => found.push(topic),
            None => {
                let problem = Problem::unknown_topic();
                refuse(Some(name), Uuid::nil(), problem);
            }
        }
    }
    for topic in found {
        let name = TopicName(StrBytes::from_string(topic.name.to_string()));
        let answer = answer(cx, Some(name), topic.id);
        let deleted = cx.core.writer.delete_topic(topic).await;
        results.push(match deleted {
            Ok(()) => answer.0,
            Err(error) => answer.with_problem(cx, error.into()).0,
        });
    }
    Ok(DeleteTopicsResponse::default().with_responses(results))
}

/// A result that has only the fields of its version.
struct Answer(DeletableTopicResult);

fn answer(cx: &RequestContext, name: Option<TopicName>, id: Uuid) -> Answer {
    let mut answer = DeletableTopicResult::default().with_name(name);
    if cx.version >= 6 {
        answer.topic_id = id;
    }
    Answer(answer)
}

impl Answer {
    fn with_problem(mut self, cx: &RequestContext, problem: Problem) -> Self {
        self.0.error_code = problem.error.number();
        if cx.version >= 5 {
            self.0.error_message = problem.message;
        }
        self
    }
}
