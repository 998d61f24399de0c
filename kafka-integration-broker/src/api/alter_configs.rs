use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};

use super::admin::{Problem, Repeated};
use super::config_resource::target;
use super::{Code, Stop};
use crate::configs::{Edit, Overrides};
use crate::core::RequestContext;

/// Replaces all that is set on topics or the broker: what is not named goes.
pub(super) async fn handle(
    cx: &RequestContext,
    request: AlterConfigsRequest,
) -> Result<AlterConfigsResponse, Stop> {
    let names = Repeated::of(
        request
            .resources
            .iter()
            .map(|resource| (resource.resource_type, resource.resource_name.clone())),
    );
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let key = (resource.resource_type, resource.resource_name.clone());
        let altered = if names.is_repeated(&key) {
            Err(Problem::new(
                ResponseError::InvalidRequest,
                "Each resource must appear at most once.",
            ))
        } else {
            alter(cx, resource, request.validate_only).await
        };
        let answer = AlterConfigsResourceResponse::default()
            .with_resource_type(key.0)
            .with_resource_name(key.1);
        responses.push(match altered {
            Ok(()) => answer,
            Err(problem) => answer
                .with_error_code(problem.error.number())
                .with_error_message(problem.message),
        });
    }
    Ok(AlterConfigsResponse::default().with_responses(responses))
}

async fn alter(
    cx: &RequestContext,
    resource: AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Problem> {
    let request = |message: String| Problem::new(ResponseError::InvalidRequest, message);
    let mut overrides = Overrides::new();
    for config in &resource.configs {
        let name = config.name.as_str();
        let Some(value) = &config.value else {
            return Err(request(format!("Null value not supported for : {name}")));
        };
        let before = overrides.insert(name.to_owned(), value.to_string());
        if before.is_some() {
            return Err(request("Error due to duplicate config keys".to_owned()));
        }
    }
    let target = target(cx, resource.resource_type, &resource.resource_name)?;
    let edit = Edit::Replace(overrides);
    Ok(cx
        .core
        .writer
        .configure(target, edit, validate_only)
        .await?)
}
