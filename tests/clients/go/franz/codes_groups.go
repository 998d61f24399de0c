package main

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	. "clients/zoo"
)

func join(group, member string, change func(*kmsg.JoinGroupRequest)) *kmsg.JoinGroupResponse {
	request := kmsg.NewPtrJoinGroupRequest()
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name, p.Metadata = "mine", []byte{1}
	request.Group, request.MemberID, request.ProtocolType = group, member, "consumer"
	request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = 10_000, 10_000
	request.Protocols = append(request.Protocols, p)
	if change != nil {
		change(request)
	}
	return Must(request.RequestWith(ctx, broker))
}

func codesOfGroups() {
	topic, group := Name("codes-groups"), Name("codes")
	create(topic, 1)
	coded(join("", "", nil).ErrorCode, kerr.InvalidGroupID, "no group id")
	coded(join(group, "", func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 1 }).ErrorCode, kerr.InvalidSessionTimeout, "a session of 1 ms")
	coded(join(group, "stranger", nil).ErrorCode, kerr.UnknownMemberID, "a member that nobody knows")
	asked := join(group, "", nil)
	coded(asked.ErrorCode, kerr.MemberIDRequired, "the first join")
	joined := join(group, asked.MemberID, nil)
	coded(joined.ErrorCode, nil, "the second join")
	Equal([]any{joined.LeaderID, len(joined.Members), *joined.Protocol}, []any{joined.MemberID, 1, "mine"}, "the answer to the leader")
	other := func(r *kmsg.JoinGroupRequest) { r.Protocols[0].Name = "other" }
	coded(join(group, "", other).ErrorCode, kerr.InconsistentGroupProtocol, "no protocol in common")
	kind := func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" }
	coded(join(group, "", kind).ErrorCode, kerr.InconsistentGroupProtocol, "another protocol type")

	beat := func(member string, generation int32) int16 {
		request := kmsg.NewPtrHeartbeatRequest()
		request.Group, request.MemberID, request.Generation = group, member, generation
		return Must(request.RequestWith(ctx, broker)).ErrorCode
	}
	commit := func(group, member string, generation int32, metadata string) int16 {
		request := kmsg.NewPtrOffsetCommitRequest()
		t := kmsg.NewOffsetCommitRequestTopic()
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Offset, p.Metadata = 3, &metadata
		// Kafka has topic ids from version 10 on.
		t.Topic, t.TopicID, t.Partitions = topic, topicID(topic), append(t.Partitions, p)
		request.Group, request.MemberID, request.Generation = group, member, generation
		request.Topics = append(request.Topics, t)
		return Must(request.RequestWith(ctx, broker)).Topics[0].Partitions[0].ErrorCode
	}
	me, now := joined.MemberID, joined.Generation
	coded(commit(group, me, now, ""), kerr.RebalanceInProgress, "a commit before the assignment")
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.MemberID, sync.Generation = group, me, now
	sync.ProtocolType, sync.Protocol = kmsg.StringPtr("consumer"), kmsg.StringPtr("mine")
	a := kmsg.NewSyncGroupRequestGroupAssignment()
	a.MemberID, a.MemberAssignment = me, []byte("yours")
	sync.GroupAssignment = append(sync.GroupAssignment, a)
	synced := Must(sync.RequestWith(ctx, broker))
	coded(synced.ErrorCode, nil, "the sync")
	Equal(string(synced.MemberAssignment), "yours", "the assignment")
	coded(beat(me, now), nil, "a heartbeat")
	coded(beat(me, now+1), kerr.IllegalGeneration, "another generation's heartbeat")
	coded(beat("stranger", now), kerr.UnknownMemberID, "a stranger's heartbeat")
	coded(commit(group, me, now, ""), nil, "a commit")
	coded(commit(group, me, now+1, ""), kerr.IllegalGeneration, "another generation's commit")
	coded(commit(group, "", -1, ""), kerr.UnknownMemberID, "a commit from outside, with a member there")
	coded(commit(group, me, now, string(make([]byte, 5000))), kerr.OffsetMetadataTooLarge, "5000 bytes of metadata")
	coded(commit(Name("none"), me, now, ""), kerr.GroupIDNotFound, "a commit to no group")
	sync.Generation = now + 1
	coded(Must(sync.RequestWith(ctx, broker)).ErrorCode, kerr.IllegalGeneration, "another generation's sync")

	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups = []string{Name("none")}
	missing := Must(describe.RequestWith(ctx, broker)).Groups[0]
	coded(missing.ErrorCode, kerr.GroupIDNotFound, "a description of no group")
	Equal(missing.State, "Dead", "its state")
	remove := kmsg.NewPtrDeleteGroupsRequest()
	remove.Groups = []string{group}
	coded(Must(remove.RequestWith(ctx, broker)).Groups[0].ErrorCode, kerr.NonEmptyGroup, "deleted with a member")

	leave := func(member string) *kmsg.LeaveGroupResponse {
		request := kmsg.NewPtrLeaveGroupRequest()
		m := kmsg.NewLeaveGroupRequestMember()
		m.MemberID = member
		request.Group, request.Members = group, append(request.Members, m)
		return Must(request.RequestWith(ctx, broker))
	}
	coded(leave("stranger").Members[0].ErrorCode, kerr.UnknownMemberID, "a stranger leaves")
	coded(leave(me).Members[0].ErrorCode, nil, "the member leaves")
	coded(beat(me, now), kerr.UnknownMemberID, "a heartbeat after the end")
	coded(commit(group, "", -1, ""), nil, "a commit from outside, to the empty group")
	coded(Must(remove.RequestWith(ctx, broker)).Groups[0].ErrorCode, nil, "deleted")
	coded(Must(remove.RequestWith(ctx, broker)).Groups[0].ErrorCode, kerr.GroupIDNotFound, "deleted again")
	staticCodes(Name("codes-static"))
}

// A second member with the same instance id shuts the first out.
func staticCodes(group string) {
	static := func(r *kmsg.JoinGroupRequest) { r.InstanceID = kmsg.StringPtr("one") }
	first := join(group, "", static)
	coded(first.ErrorCode, nil, "a static member needs no second join")
	second := join(group, "", static)
	coded(second.ErrorCode, nil, "the same instance again")
	Equal(second.MemberID != first.MemberID, true, "it has a new id")
	request := kmsg.NewPtrHeartbeatRequest()
	request.Group, request.MemberID, request.Generation, request.InstanceID = group, first.MemberID, second.Generation, kmsg.StringPtr("one")
	coded(Must(request.RequestWith(ctx, broker)).ErrorCode, kerr.FencedInstanceID, "the first's heartbeat")
}

func codesOf848() {
	topic, group := Name("codes-848"), Name("codes-848")
	create(topic, 2)
	beat := func(member string, epoch int32, change func(*kmsg.ConsumerGroupHeartbeatRequest)) *kmsg.ConsumerGroupHeartbeatResponse {
		request := kmsg.NewPtrConsumerGroupHeartbeatRequest()
		request.Group, request.MemberID, request.MemberEpoch = group, member, epoch
		if epoch == 0 {
			request.RebalanceTimeoutMillis = 10_000
			request.SubscribedTopicNames = []string{topic}
			request.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
		}
		if change != nil {
			change(request)
		}
		return Must(request.RequestWith(ctx, broker))
	}
	type request = kmsg.ConsumerGroupHeartbeatRequest
	coded(beat("m", 0, func(r *request) { r.Group = "" }).ErrorCode, kerr.InvalidRequest, "no group id")
	coded(beat("", 0, nil).ErrorCode, kerr.InvalidRequest, "no member id")
	coded(beat("m", 0, func(r *request) { r.RebalanceTimeoutMillis = -1 }).ErrorCode, kerr.InvalidRequest, "no rebalance timeout")
	coded(beat("m", 0, func(r *request) { r.Topics = nil }).ErrorCode, kerr.InvalidRequest, "no partitions")
	coded(beat("m", 0, func(r *request) { r.SubscribedTopicNames = nil }).ErrorCode, kerr.InvalidRequest, "no subscription")
	coded(beat("m", 0, func(r *request) { r.ServerAssignor = kmsg.StringPtr("chance") }).ErrorCode, kerr.UnsupportedAssignor, "an assignor that is none")
	coded(beat("m", 5, nil).ErrorCode, kerr.GroupIDNotFound, "a heartbeat to no group")

	joined := beat("m", 0, nil)
	coded(joined.ErrorCode, nil, "the join")
	Equal([]any{*joined.MemberID, joined.MemberEpoch > 0}, []any{"m", true}, "the member")
	// The coordinator may hear of a new topic a moment later than clients do.
	Wait("the assignment", func() bool {
		if joined.Assignment == nil || len(joined.Assignment.Topics) == 0 {
			joined = beat("m", joined.MemberEpoch, nil)
			coded(joined.ErrorCode, nil, "a heartbeat")
			return false
		}
		return true
	})
	Equal(len(joined.Assignment.Topics[0].Partitions), 2, "partitions")
	owned := func(r *request) {
		t := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		t.TopicID, t.Partitions = topicID(topic), []int32{0, 1}
		r.Topics = append(r.Topics, t)
	}
	coded(beat("m", joined.MemberEpoch, owned).ErrorCode, nil, "the member has them")
	coded(beat("m", joined.MemberEpoch+7, nil).ErrorCode, kerr.FencedMemberEpoch, "an epoch to come")
	coded(beat("stranger", joined.MemberEpoch, nil).ErrorCode, kerr.UnknownMemberID, "a stranger's heartbeat")

	commit := kmsg.NewPtrOffsetCommitRequest()
	t := kmsg.NewOffsetCommitRequestTopic()
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset = 1
	t.Topic, t.TopicID, t.Partitions = topic, topicID(topic), append(t.Partitions, p)
	commit.Group, commit.MemberID, commit.Generation, commit.Topics = group, "m", joined.MemberEpoch-1, append(commit.Topics, t)
	coded(Must(commit.RequestWith(ctx, broker)).Topics[0].Partitions[0].ErrorCode, kerr.StaleMemberEpoch, "an old epoch's commit")
	commit.Generation = joined.MemberEpoch
	coded(Must(commit.RequestWith(ctx, broker)).Topics[0].Partitions[0].ErrorCode, nil, "a commit")

	// The second gets its half only once the first has given it up.
	second := beat("n", 0, nil)
	coded(second.ErrorCode, nil, "a second member")
	revoked := beat("m", joined.MemberEpoch, owned)
	coded(revoked.ErrorCode, nil, "the first hears")
	Equal(len(revoked.Assignment.Topics[0].Partitions), 1, "what it keeps")
	waiting := beat("n", second.MemberEpoch, nil)
	coded(waiting.ErrorCode, nil, "the second asks")
	Equal(waiting.Assignment == nil || len(waiting.Assignment.Topics) == 0, true, "it gets nothing yet")
	kept := revoked.Assignment.Topics[0].Partitions
	coded(beat("m", revoked.MemberEpoch, func(r *request) {
		t := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		t.TopicID, t.Partitions = topicID(topic), kept
		r.Topics = append(r.Topics, t)
	}).ErrorCode, nil, "the first gives it up")
	given := beat("n", second.MemberEpoch, nil)
	coded(given.ErrorCode, nil, "the second asks again")
	Equal(given.Assignment.Topics[0].Partitions, []int32{1 - kept[0]}, "what it gets")
	for _, member := range []string{"m", "n"} {
		coded(beat(member, -1, nil).ErrorCode, nil, "the end")
	}
}
