//! Groups and their members.

use kafka_protocol::messages::consumer_group_describe_response::DescribedGroup as DescribedConsumerGroup;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse, DeleteGroupsRequest, DeleteGroupsResponse,
    DescribeGroupsRequest, DescribeGroupsResponse, HeartbeatRequest, HeartbeatResponse,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, ListGroupsRequest,
    ListGroupsResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::super::subject::{Cut, Faultable, Subject, cut_list};
use super::{refused_on_top, refused_one_by_one};
use crate::api::Stop;
use crate::core::RequestContext;

refused_on_top! {
    HeartbeatRequest => HeartbeatResponse, |request| Subject::group(request.group_id.as_str());
    SyncGroupRequest => SyncGroupResponse, |request| Subject::group(request.group_id.as_str());
    LeaveGroupRequest => LeaveGroupResponse, |request| Subject::group(request.group_id.as_str());
    ConsumerGroupHeartbeatRequest => ConsumerGroupHeartbeatResponse,
        |request| Subject::group(request.group_id.as_str());
    ListGroupsRequest => ListGroupsResponse, |_request| Subject::default();
}

refused_one_by_one! {
    DescribeGroupsRequest.groups => DescribeGroupsResponse.groups,
        |group| Subject::group(group.as_str()),
        |group, code| DescribedGroup::default()
            .with_group_id(group)
            .with_error_code(code);
    ConsumerGroupDescribeRequest.group_ids => ConsumerGroupDescribeResponse.groups,
        |group| Subject::group(group.as_str()),
        |group, code| DescribedConsumerGroup::default()
            .with_group_id(group)
            .with_error_code(code);
    DeleteGroupsRequest.groups_names => DeleteGroupsResponse.results,
        |group| Subject::group(group.as_str()),
        |group, code| DeletableGroupResult::default()
            .with_group_id(group)
            .with_error_code(code);
}

impl Faultable for JoinGroupRequest {
    type Answer = JoinGroupResponse;

    fn cut(
        &mut self,
        _cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        Cut::whole_if(is_meant(&Subject::group(self.group_id.as_str())))
    }

    fn refuse(self, cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        // Null came with version 7.
        let protocol = (cx.version < 7).then(StrBytes::default);
        Ok(JoinGroupResponse::default()
            .with_member_id(self.member_id)
            .with_protocol_name(protocol)
            .with_error_code(code))
    }
}
