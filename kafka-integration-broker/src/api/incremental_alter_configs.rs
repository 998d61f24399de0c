use kafka_protocol::ResponseError;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use super::admin::{Problem, Repeated};
use super::config_resource::target;
use super::{Code, Stop};
use crate::configs::{Action, Edit, Operation};
use crate::core::RequestContext;

/// Changes settings of topics or the broker one by one: what is not named
/// stays.
pub(super) async fn handle(
    cx: &RequestContext,
    request: IncrementalAlterConfigsRequest,
) -> Result<IncrementalAlterConfigsResponse, Stop> {
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
    Ok(IncrementalAlterConfigsResponse::default().with_responses(responses))
}

async fn alter(
    cx: &RequestContext,
    resource: AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Problem> {
    let names = resource.configs.iter().map(|config| config.name.clone());
    if Repeated::of(names).take().next().is_some() {
        return Err(Problem::new(
            ResponseError::InvalidRequest,
            "Error due to duplicate config keys",
        ));
    }
    let operations = resource.configs.into_iter().map(operation);
    let operations = operations.collect::<Result<Vec<_>, _>>()?;
    let target = target(cx, resource.resource_type, &resource.resource_name)?;
    let edit = Edit::Each(operations);
    Ok(cx
        .core
        .writer
        .configure(target, edit, validate_only)
        .await?)
}

fn operation(config: AlterableConfig) -> Result<Operation, Problem> {
    const SET: i8 = 0;
    const DELETE: i8 = 1;
    const APPEND: i8 = 2;
    const SUBTRACT: i8 = 3;
    let request = |message: String| Problem::new(ResponseError::InvalidRequest, message);
    let name = config.name.to_string();
    let value = config.value.map(|value| value.to_string());
    let action = match (config.config_operation, value) {
        (DELETE, _) => Action::Delete,
        (SET, Some(value)) => Action::Set(value),
        (APPEND, Some(value)) => Action::Append(value),
        (SUBTRACT, Some(value)) => Action::Subtract(value),
        (SET | APPEND | SUBTRACT, None) => {
            return Err(request(format!("Null value not supported for : {name}")));
        }
        (unknown, _) => return Err(request(format!("Unknown operations type {unknown}"))),
    };
    Ok(Operation { name, action })
}
