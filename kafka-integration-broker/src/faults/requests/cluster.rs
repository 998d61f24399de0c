//! The cluster, its versions, and the login.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, BrokerId, DescribeClusterRequest,
    DescribeClusterResponse, FindCoordinatorRequest, FindCoordinatorResponse,
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::super::subject::{Cut, Faultable, Subject, cut_list};
use super::refused_on_top;
use crate::api::{Code, Stop, api_versions_too_new};
use crate::core::RequestContext;

refused_on_top! {
    DescribeClusterRequest => DescribeClusterResponse, |_request| Subject::default();
    SaslHandshakeRequest => SaslHandshakeResponse, |_request| Subject::default();
}

impl Faultable for SaslAuthenticateRequest {
    type Answer = SaslAuthenticateResponse;

    const IS_SECRET: bool = true;

    fn cut(
        &mut self,
        _cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        Cut::whole_if(is_meant(&Subject::default()))
    }

    fn refuse(self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        Ok(SaslAuthenticateResponse::default().with_error_code(code))
    }
}

impl Faultable for ApiVersionsRequest {
    type Answer = ApiVersionsResponse;

    fn cut(
        &mut self,
        _cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        Cut::whole_if(is_meant(&Subject::default()))
    }

    fn refuse(self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        if code == ResponseError::UnsupportedVersion.number() {
            return Ok(api_versions_too_new());
        }
        Ok(ApiVersionsResponse::default().with_error_code(code))
    }

    fn answer_version(answer: &Self::Answer, version: i16) -> i16 {
        if answer.error_code == ResponseError::UnsupportedVersion.number() {
            0
        } else {
            version
        }
    }
}

impl Faultable for FindCoordinatorRequest {
    type Answer = FindCoordinatorResponse;

    fn cut(
        &mut self,
        cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        let kind = self.key_type;
        if cx.version < 4 {
            return Cut::whole_if(is_meant(&keyed(kind, &self.key)));
        }
        cut_list(
            self,
            |request| &mut request.coordinator_keys,
            |key| match key {
                Some(key) => is_meant(&keyed(kind, key)),
                None => is_meant(&Subject::PLACELESS),
            },
        )
    }

    fn refuse(self, cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        let answer = FindCoordinatorResponse::default();
        if cx.version < 4 {
            return Ok(answer
                .with_error_code(code)
                .with_node_id(BrokerId(-1))
                .with_port(-1));
        }
        let refused = |key: StrBytes| {
            Coordinator::default()
                .with_key(key)
                .with_error_code(code)
                .with_node_id(BrokerId(-1))
                .with_port(-1)
        };
        let coordinators = self.coordinator_keys.into_iter().map(refused).collect();
        Ok(answer.with_coordinators(coordinators))
    }

    fn merge(answer: &mut Self::Answer, refused: Self::Answer) {
        answer.coordinators.extend(refused.coordinators);
    }
}

fn keyed(kind: i8, key: &StrBytes) -> Subject<'_> {
    match kind {
        0 => Subject::group(key.as_str()),
        1 => Subject::transaction(key.as_str()),
        _ => Subject::default(),
    }
}
