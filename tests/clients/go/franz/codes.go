package main

// The error codes that a client can provoke, by single requests to the broker:
// nothing retries and nothing explains them away.

import (
	"encoding/binary"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	. "clients/zoo"
)

// broker is the only one, asked directly.
var broker = func() *kgo.Broker {
	client := newClient()
	Ok(client.Ping(ctx))
	return client.Broker(int(Must(admin.ListBrokers(ctx))[0].NodeID))
}()

// coded ends the step unless the code is that error; nil is none.
func coded(code int16, wanted error, what string) {
	if found := kerr.ErrorForCode(code); found != wanted {
		Equal(errorText(found), errorText(wanted), what)
	}
}

// topicID gives the id of a topic that is there.
func topicID(topic string) [16]byte {
	return Must(admin.ListTopics(ctx, topic))[topic].ID
}

// exchange sends a frame on a new connection and gives the answer's body, or
// nil when the broker closes instead.
func exchange(frame []byte) []byte {
	conn := Must(net.Dial("tcp", Bootstrap))
	defer conn.Close()
	Ok(conn.SetDeadline(time.Now().Add(10 * time.Second)))
	_, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
	Ok(err)
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		if timeout, is := err.(net.Error); is && timeout.Timeout() {
			panic("neither an answer nor an end")
		}
		return nil
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	Must(io.ReadFull(conn, body))
	return body
}

func codesOfVersions() {
	// Key, version, correlation id 7, no client id.
	header := func(key, version byte) []byte { return []byte{0, key, 0, version, 0, 0, 0, 7, 0xff, 0xff} }
	// Newer headers end with their tagged fields, here none.
	body := exchange(append(header(18, 99), 0))
	Equal(body[:4], []byte{0, 0, 0, 7}, "the correlation id")
	answer := kmsg.NewPtrApiVersionsResponse()
	Ok(answer.ReadFrom(body[4:]))
	coded(answer.ErrorCode, kerr.UnsupportedVersion, "ApiVersions 99")
	Equal(len(answer.ApiKeys) > 0, true, "it names ApiVersions' own range")
	Equal(exchange(header(3, 99)) == nil, true, "Metadata 99 closes")
	Equal(exchange(append([]byte{0x7f}, header(3, 1)[1:]...)) == nil, true, "an unknown API closes")
	Equal(exchange([]byte{0}) == nil, true, "a frame too short for a header closes")
}

func codesOfTopics() {
	topic := Name("codes")
	create(topic, 2)
	make := func(name string, change func(*kmsg.CreateTopicsRequestTopic)) int16 {
		request := kmsg.NewPtrCreateTopicsRequest()
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = name, 1, 1
		if change != nil {
			change(&t)
		}
		request.Topics = append(request.Topics, t)
		return Must(request.RequestWith(ctx, broker)).Topics[0].ErrorCode
	}
	coded(make(topic, nil), kerr.TopicAlreadyExists, "a topic that is there")
	for _, name := range []string{"", ".", "..", "a b", "a/b"} {
		coded(make(name, nil), kerr.InvalidTopicException, "the name '"+name+"'")
	}
	new := Name("new")
	coded(make(new, func(t *kmsg.CreateTopicsRequestTopic) { t.NumPartitions = 0 }), kerr.InvalidPartitions, "no partitions")
	coded(make(new, func(t *kmsg.CreateTopicsRequestTopic) { t.ReplicationFactor = 9 }), kerr.InvalidReplicationFactor, "nine replicas")
	coded(make(new, func(t *kmsg.CreateTopicsRequestTopic) {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = "no.such.key", kmsg.StringPtr("1")
		t.Configs = append(t.Configs, c)
	}), kerr.InvalidConfig, "an unknown config")
	coded(make(new, func(t *kmsg.CreateTopicsRequestTopic) {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = 0, []int32{0}
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
	}), kerr.InvalidRequest, "an assignment and counts")

	grow := kmsg.NewPtrCreatePartitionsRequest()
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = topic, 2
	grow.Topics = append(grow.Topics, t)
	coded(Must(grow.RequestWith(ctx, broker)).Topics[0].ErrorCode, kerr.InvalidPartitions, "as many as there are")
	grow.Topics[0].Topic = Name("none")
	coded(Must(grow.RequestWith(ctx, broker)).Topics[0].ErrorCode, kerr.UnknownTopicOrPartition, "partitions of no topic")

	remove := kmsg.NewPtrDeleteTopicsRequest()
	byID := kmsg.NewDeleteTopicsRequestTopic()
	byID.TopicID = [16]byte{1, 2, 3}
	remove.Topics = append(remove.Topics, byID)
	coded(Must(remove.RequestWith(ctx, broker)).Topics[0].ErrorCode, kerr.UnknownTopicID, "an id of no topic")

	metadata := func(name *string, id [16]byte) int16 {
		request := kmsg.NewPtrMetadataRequest()
		t := kmsg.NewMetadataRequestTopic()
		t.Topic, t.TopicID = name, id
		request.Topics = append(request.Topics, t)
		return Must(request.RequestWith(ctx, broker)).Topics[0].ErrorCode
	}
	coded(metadata(kmsg.StringPtr(Name("none")), [16]byte{}), kerr.UnknownTopicOrPartition, "metadata of no topic")
	coded(metadata(kmsg.StringPtr("a b"), [16]byte{}), kerr.InvalidTopicException, "metadata of a bad name")
	coded(metadata(nil, [16]byte{1, 2, 3}), kerr.UnknownTopicID, "metadata of no id")
	coded(metadata(nil, topicID(topic)), nil, "metadata by id")
}

func codesOfConfigs() {
	topic := Name("codes-configs")
	create(topic, 1)
	alter := func(kind kmsg.ConfigResourceType, resource, key, value string, op kmsg.IncrementalAlterConfigOp) int16 {
		request := kmsg.NewPtrIncrementalAlterConfigsRequest()
		r := kmsg.NewIncrementalAlterConfigsRequestResource()
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Value, c.Op = key, &value, op
		r.ResourceType, r.ResourceName, r.Configs = kind, resource, append(r.Configs, c)
		request.Resources = append(request.Resources, r)
		return Must(request.RequestWith(ctx, broker)).Resources[0].ErrorCode
	}
	of := kmsg.ConfigResourceTypeTopic
	set, add := kmsg.IncrementalAlterConfigOpSet, kmsg.IncrementalAlterConfigOpAppend
	coded(alter(of, topic, "retention.ms", "1000000", set), nil, "a good one")
	coded(alter(of, topic, "retention.ms", "soon", set), kerr.InvalidConfig, "not a number")
	coded(alter(of, topic, "cleanup.policy", "burn", set), kerr.InvalidConfig, "not a policy")
	coded(alter(of, topic, "no.such.key", "1", set), kerr.InvalidConfig, "an unknown key")
	coded(alter(of, topic, "retention.ms", "1", add), kerr.InvalidConfig, "append to a single value")
	coded(alter(of, Name("none"), "retention.ms", "1", set), kerr.UnknownTopicOrPartition, "no such topic")

	describe := func(kind kmsg.ConfigResourceType, resource string) int16 {
		request := kmsg.NewPtrDescribeConfigsRequest()
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kind, resource
		request.Resources = append(request.Resources, r)
		return Must(request.RequestWith(ctx, broker)).Resources[0].ErrorCode
	}
	coded(describe(of, Name("none")), kerr.UnknownTopicOrPartition, "describe no topic")
	coded(describe(kmsg.ConfigResourceTypeBroker, "4711"), kerr.InvalidRequest, "describe another broker")
}

// versionsUpTo has the newest of all APIs but one.
func versionsUpTo(key kmsg.Key, version int16) *kversion.Versions {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(key.Int16(), version)
	return versions
}
