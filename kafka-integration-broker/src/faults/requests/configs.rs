//! Settings of topics and of the broker.

use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse as IncrementalResourceResponse;
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

use super::super::subject::{Cut, Faultable, Subject, cut_list};
use super::refused_one_by_one;
use crate::api::Stop;
use crate::core::RequestContext;

const TOPIC: i8 = 2;

fn resource(kind: i8, name: &str) -> Subject<'_> {
    Subject {
        topic: Some(name).filter(|_| kind == TOPIC),
        ..Subject::default()
    }
}

refused_one_by_one! {
    DescribeConfigsRequest.resources => DescribeConfigsResponse.results,
        |asked| resource(asked.resource_type, asked.resource_name.as_str()),
        |asked, code| DescribeConfigsResult::default()
            .with_resource_type(asked.resource_type)
            .with_resource_name(asked.resource_name)
            .with_error_code(code);
    AlterConfigsRequest.resources => AlterConfigsResponse.responses,
        |asked| resource(asked.resource_type, asked.resource_name.as_str()),
        |asked, code| AlterConfigsResourceResponse::default()
            .with_resource_type(asked.resource_type)
            .with_resource_name(asked.resource_name)
            .with_error_code(code);
    IncrementalAlterConfigsRequest.resources => IncrementalAlterConfigsResponse.responses,
        |asked| resource(asked.resource_type, asked.resource_name.as_str()),
        |asked, code| IncrementalResourceResponse::default()
            .with_resource_type(asked.resource_type)
            .with_resource_name(asked.resource_name)
            .with_error_code(code);
}
