//! What a request about settings means by its resource.

use kafka_protocol::ResponseError;

use super::admin::Problem;
use crate::core::{NODE, RequestContext};
use crate::log::name_problem;
use crate::store::ConfigTarget;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// A resource whose settings can be described and changed.
#[derive(Debug)]
pub(super) enum Resource<'a> {
    Topic(&'a str),
    Cluster,
    Node,
}

/// Reads a resource's type and name. Topics need not exist.
pub(super) fn find(kind: i8, name: &str) -> Result<Resource<'_>, Problem> {
    let request = |message: String| Problem::new(ResponseError::InvalidRequest, message);
    match kind {
        TOPIC => Ok(Resource::Topic(name)),
        BROKER if name.is_empty() => Ok(Resource::Cluster),
        BROKER => match name.parse::<i32>() {
            Ok(id) if id == NODE.0 => Ok(Resource::Node),
            Ok(_) => Err(request(format!(
                "Unexpected broker id, expected {}, but received {name}",
                NODE.0
            ))),
            Err(_) => Err(request(format!(
                "Node id must be an integer, but it is: {name}"
            ))),
        },
        _ => Err(request(format!("Unsupported resource type: {kind}"))),
    }
}

/// What is to be changed when such a resource is to be altered.
pub(super) fn target(cx: &RequestContext, kind: i8, name: &str) -> Result<ConfigTarget, Problem> {
    match find(kind, name)? {
        Resource::Cluster => Ok(ConfigTarget::Cluster),
        Resource::Node => Ok(ConfigTarget::Node),
        Resource::Topic("") => Err(Problem::new(
            ResponseError::InvalidRequest,
            "Default topic resources are not allowed.",
        )),
        Resource::Topic(name) => {
            if let Some(problem) = name_problem(name) {
                return Err(Problem::new(ResponseError::InvalidTopicException, problem));
            }
            let topic = cx.core.catalogue.topic(name);
            let topic = topic.ok_or_else(Problem::unknown_topic)?;
            Ok(ConfigTarget::Topic(topic))
        }
    }
}
