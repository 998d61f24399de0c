use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Code, Stop, operations};
use crate::core::{NODE, RequestContext};

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// Names the cluster and its one node.
pub(super) async fn handle(
    cx: &RequestContext,
    request: DescribeClusterRequest,
) -> Result<DescribeClusterResponse, Stop> {
    let core = &cx.core;
    let wanted = if cx.version >= 1 {
        request.endpoint_type
    } else {
        BROKERS
    };
    if wanted != BROKERS {
        let (error, message) = if wanted == CONTROLLERS {
            (
                ResponseError::MismatchedEndpointType,
                "The request was sent to an endpoint of the wrong type.",
            )
        } else {
            (
                ResponseError::UnsupportedEndpointType,
                "This endpoint type is not supported yet.",
            )
        };
        return Ok(DescribeClusterResponse::default()
            .with_error_code(error.number())
            .with_error_message(Some(StrBytes::from_static_str(message))));
    }
    let mut response = DescribeClusterResponse::default()
        .with_cluster_id(core.cluster_id.clone())
        .with_controller_id(NODE)
        .with_brokers(vec![
            DescribeClusterBroker::default()
                .with_broker_id(NODE)
                .with_host(core.advertised.host.clone())
                .with_port(i32::from(core.advertised.port)),
        ]);
    if request.include_cluster_authorized_operations {
        response.cluster_authorized_operations = operations::ON_CLUSTER;
    }
    Ok(response)
}
