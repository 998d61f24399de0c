use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::admin::Problem;
use super::config_resource::{Resource, find};
use super::{Code, Stop};
use crate::configs::{Described, Scope, describe_broker, describe_topic};
use crate::core::RequestContext;
use crate::log::name_problem;

/// Tells the settings of topics and of the broker.
pub(super) async fn handle(
    cx: &RequestContext,
    request: DescribeConfigsRequest,
) -> Result<DescribeConfigsResponse, Stop> {
    let results = request.resources.into_iter().map(|resource| {
        let settings = describe(cx, &resource);
        let answer = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name);
        match settings {
            Err(problem) => answer
                .with_error_code(problem.error.number())
                .with_error_message(problem.message),
            Ok(settings) => {
                let wanted = resource.configuration_keys.unwrap_or_default();
                let configs = settings
                    .into_iter()
                    .filter(|setting| {
                        wanted.is_empty() || wanted.iter().any(|key| &**key == setting.name)
                    })
                    .map(|setting| {
                        show(
                            setting,
                            request.include_synonyms,
                            request.include_documentation,
                            cx.version,
                        )
                    });
                answer.with_configs(configs.collect())
            }
        }
    });
    Ok(DescribeConfigsResponse::default().with_results(results.collect()))
}

fn describe(
    cx: &RequestContext,
    resource: &DescribeConfigsResource,
) -> Result<Vec<Described>, Problem> {
    let catalogue = &cx.core.catalogue;
    match find(resource.resource_type, &resource.resource_name)? {
        Resource::Cluster => Ok(describe_broker(&catalogue.broker(), Scope::Cluster)),
        Resource::Node => Ok(describe_broker(&catalogue.broker(), Scope::Node)),
        Resource::Topic(name) => {
            if let Some(problem) = name_problem(name) {
                return Err(Problem::new(ResponseError::InvalidTopicException, problem));
            }
            match catalogue.topic(name) {
                Some(topic) => Ok(describe_topic(
                    &topic.config().overrides,
                    &catalogue.broker(),
                )),
                None => Err(Problem::unknown_topic()),
            }
        }
    }
}

fn show(
    setting: Described,
    with_synonyms: bool,
    with_documentation: bool,
    version: i16,
) -> DescribeConfigsResourceResult {
    let mut answer = DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(setting.name))
        .with_value(setting.value.map(StrBytes::from_string))
        .with_read_only(setting.read_only)
        .with_config_source(setting.source as i8)
        .with_documentation(None);
    if with_synonyms {
        let synonyms = setting.synonyms.into_iter().map(|synonym| {
            DescribeConfigsSynonym::default()
                .with_name(StrBytes::from_static_str(synonym.name))
                .with_value(Some(StrBytes::from_string(synonym.value)))
                .with_source(synonym.source as i8)
        });
        answer.synonyms = synonyms.collect();
    }
    if version >= 3 {
        answer.config_type = setting.kind as i8;
        if with_documentation {
            answer.documentation = Some(StrBytes::from_static_str(setting.doc));
        }
    }
    answer
}
