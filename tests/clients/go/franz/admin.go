package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	. "clients/zoo"
)

func adminTopics() {
	topic := Name("admin")
	retention := "3600000"
	valid := Must(admin.ValidateCreateTopics(ctx, 3, 1, nil, topic))
	Ok(valid[topic].Err)
	Equal(Must(admin.ListTopics(ctx)).Has(topic), false, "there after a validation")
	made := Must(admin.CreateTopics(ctx, 3, 1, map[string]*string{"retention.ms": &retention}, topic))[topic]
	Ok(made.Err)
	Equal([]any{made.NumPartitions, made.ReplicationFactor}, []any{int32(3), int16(1)}, "the answer's counts")
	Equal(*made.Configs["retention.ms"].Value, retention, "the answer's configs")
	_, err := admin.CreateTopic(ctx, 3, 1, nil, topic)
	Equal(errors.Is(err, kerr.TopicAlreadyExists), true, "created again")
	Wait("metadata", func() bool { return len(Must(admin.ListTopics(ctx, topic))[topic].Partitions) == 3 })
	Equal(Must(admin.ListTopics(ctx, topic))[topic].ID, made.ID, "the topic's id")

	metadata := Must(admin.Metadata(ctx, topic))
	Equal(len(metadata.Brokers), 1, "brokers")
	Equal(metadata.Controller, metadata.Brokers[0].NodeID, "the controller")
	Equal(metadata.Cluster != "", true, "the cluster's id")
	for _, p := range metadata.Topics[topic].Partitions.Sorted() {
		Equal([]any{p.Leader, p.Replicas, p.ISR}, []any{metadata.Controller, []int32{metadata.Controller}, []int32{metadata.Controller}}, "a partition")
	}
	Equal(len(Must(admin.ListBrokers(ctx))), 1, "brokers")
	for _, v := range Must(admin.ApiVersions(ctx)) {
		Ok(v.Err)
	}

	Ok(Must(admin.ValidateUpdatePartitions(ctx, 5, topic))[topic].Err)
	Ok(Must(admin.UpdatePartitions(ctx, 4, topic))[topic].Err)
	Ok(Must(admin.CreatePartitions(ctx, 1, topic))[topic].Err)
	Wait("five partitions", func() bool { return len(Must(admin.ListTopics(ctx, topic))[topic].Partitions) == 5 })
	Equal(errors.Is(Must(admin.UpdatePartitions(ctx, 2, topic))[topic].Err, kerr.InvalidPartitions), true, "fewer")

	Ok(Must(admin.DeleteTopics(ctx, topic))[topic].Err)
	Wait("the topic is gone", func() bool { return !Must(admin.ListTopics(ctx)).Has(topic) })
	Equal(errors.Is(Must(admin.DeleteTopics(ctx, topic))[topic].Err, kerr.UnknownTopicOrPartition), true, "deleted again")
}

func adminConfigs() {
	topic := Name("configs")
	create(topic, 1)
	value := func(key string) (value string, source string) {
		for _, c := range Must(Must(admin.DescribeTopicConfigs(ctx, topic)).On(topic, nil)).Configs {
			if c.Key == key {
				return *c.Value, c.Source.String()
			}
		}
		panic("no config " + key)
	}
	becomes := func(key, wanted, source string) {
		Wait(key+"="+wanted, func() bool {
			v, s := value(key)
			return v == wanted && s == source
		})
	}
	alter := func(op kadm.IncrementalOp, key, v string) error {
		return Must(admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: op, Name: key, Value: &v}}, topic))[0].Err
	}
	becomes("cleanup.policy", "delete", "DEFAULT_CONFIG")
	Ok(alter(kadm.SetConfig, "retention.ms", "1000000"))
	becomes("retention.ms", "1000000", "DYNAMIC_TOPIC_CONFIG")
	Ok(alter(kadm.AppendConfig, "cleanup.policy", "compact"))
	becomes("cleanup.policy", "delete,compact", "DYNAMIC_TOPIC_CONFIG")
	Ok(alter(kadm.SubtractConfig, "cleanup.policy", "delete"))
	becomes("cleanup.policy", "compact", "DYNAMIC_TOPIC_CONFIG")
	Ok(alter(kadm.DeleteConfig, "cleanup.policy", ""))
	becomes("cleanup.policy", "delete", "DEFAULT_CONFIG")
	Equal(errors.Is(alter(kadm.SetConfig, "retention.ms", "soon"), kerr.InvalidConfig), true, "a value that is none")
	Equal(errors.Is(alter(kadm.SetConfig, "no.such.key", "1"), kerr.InvalidConfig), true, "an unknown key")
	validated := "5"
	Ok(Must(admin.ValidateAlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: "segment.ms", Value: &validated}}, topic))[0].Err)
	// The whole state at once: what is not named goes back to its default.
	size := "2000000"
	Ok(Must(admin.AlterTopicConfigsState(ctx, []kadm.AlterConfig{{Name: "max.message.bytes", Value: &size}}, topic))[0].Err)
	becomes("max.message.bytes", size, "DYNAMIC_TOPIC_CONFIG")
	if _, source := value("retention.ms"); source == "DYNAMIC_TOPIC_CONFIG" {
		panic("retention.ms is still the topic's own")
	}
	for _, broker := range Must(admin.DescribeBrokerConfigs(ctx, 1)) {
		Ok(broker.Err)
		Equal(len(broker.Configs) > 0, true, "the broker has configs")
	}
}

func adminOffsets() {
	topic := Name("offsets")
	create(topic, 1)
	begin := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	client := newClient(manual)
	defer client.Close()
	for i := range 10 {
		record := &kgo.Record{Topic: topic, Value: Value(i), Timestamp: begin.Add(time.Duration(i) * time.Second)}
		Ok(client.ProduceSync(ctx, record).FirstErr())
	}
	offset := func(listed kadm.ListedOffsets, err error) int64 {
		Ok(err)
		found, some := listed.Lookup(topic, 0)
		Equal(some, true, "listed")
		Ok(found.Err)
		return found.Offset
	}
	Equal(offset(admin.ListStartOffsets(ctx, topic)), int64(0), "start")
	Equal(offset(admin.ListEndOffsets(ctx, topic)), int64(10), "end")
	Equal(offset(admin.ListCommittedOffsets(ctx, topic)), int64(10), "last stable")
	Equal(offset(admin.ListMaxTimestampOffsets(ctx, topic)), int64(9), "largest timestamp")
	Equal(offset(admin.ListOffsetsAfterMilli(ctx, begin.UnixMilli()+4500, topic)), int64(5), "offset at 4.5 s")

	var epochs kadm.OffsetForLeaderEpochRequest
	epochs.Add(topic, 0, 0)
	ended := Must(admin.OffsetForLeaderEpoch(ctx, epochs))[topic][0]
	Ok(ended.Err)
	Equal(ended.EndOffset, int64(10), "the epoch's end")

	cut := kadm.Offsets{}
	cut.AddOffset(topic, 0, 4, -1)
	deleted, _ := Must(admin.DeleteRecords(ctx, cut)).Lookup(topic, 0)
	Ok(deleted.Err)
	Equal(deleted.LowWatermark, int64(4), "low watermark")
	Equal(offset(admin.ListStartOffsets(ctx, topic)), int64(4), "start after the cut")
	Equal(read(topic, 6, kgo.ReadUncommitted()), Values(4, 10), "what is left")
	cut.AddOffset(topic, 0, 11, -1)
	beyond, err := admin.DeleteRecords(ctx, cut)
	if err == nil {
		response, _ := beyond.Lookup(topic, 0)
		err = response.Err
	}
	Equal(errors.Is(err, kerr.OffsetOutOfRange), true, "a cut beyond the end")
}

func leaveOf(group, instance string) *kadm.LeaveGroupBuilder {
	return kadm.LeaveGroup(group).InstanceIDs(instance)
}

func adminGroups() {
	topic, group := Name("lag"), Name("group-lag")
	create(topic, 2)
	client := newClient(manual)
	defer client.Close()
	write(client, topic, Values(0, 10)...)

	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, 4, -1)
	Ok(admin.CommitAllOffsets(ctx, group, offsets))
	fetched, _ := Must(admin.FetchOffsets(ctx, group)).Lookup(topic, 0)
	Equal(fetched.At, int64(4), "committed")
	many := admin.FetchManyOffsets(ctx, group, Name("none"))
	Ok(many.Error())
	Equal(len(many[Name("none")].Fetched), 0, "offsets of a group that is not there")
	lag := Must(admin.Lag(ctx, group))[group]
	Ok(lag.Error())
	Equal(lag.Lag.Total(), int64(6), "lag")
	Equal(lag.State, "Empty", "state")

	Equal(Must(admin.ListGroups(ctx, "Empty")).Groups() != nil, true, "listed by state")
	_, listed := Must(admin.ListGroupsByType(ctx, []string{"classic"}))[group]
	Equal(listed, true, "listed by type")
	_, listed = Must(admin.ListGroups(ctx, "Stable"))[group]
	Equal(listed, false, "listed as stable")
	Equal(admin.FindGroupCoordinators(ctx, group)[group].Err, error(nil), "the coordinator")

	// While a member is there the group cannot go, nor the offsets it uses.
	joined := make(chan struct{}, 10)
	member := newClient(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { joined <- struct{}{} }))
	go member.PollFetches(ctx)
	<-joined
	Equal(errors.Is(Must(admin.DeleteGroups(ctx, group))[group].Err, kerr.NonEmptyGroup), true, "deleted with a member")
	set := kadm.TopicsSet{}
	set.Add(topic, 0)
	busy := Must(admin.DeleteOffsets(ctx, group, set))
	Equal(errors.Is(busy[topic][0], kerr.GroupSubscribedToTopic), true, "offsets deleted with a member")
	described := Must(admin.DescribeGroups(ctx, group))[group]
	Equal([]any{len(described.Members), described.ProtocolType}, []any{1, "consumer"}, "described")
	member.Close()
	Wait("the group is empty", func() bool { return Must(admin.DescribeGroups(ctx, group))[group].State == "Empty" })

	Equal(Must(admin.DeleteOffsets(ctx, group, set))[topic][0], error(nil), "offsets deleted")
	Ok(Must(admin.DeleteGroups(ctx, group))[group].Err)
	_, listed = Must(admin.ListGroups(ctx))[group]
	Equal(listed, false, "listed after its end")
	Equal(errors.Is(Must(admin.DeleteGroups(ctx, group))[group].Err, kerr.GroupIDNotFound), true, "deleted again")
}

func adminTransactions() {
	topic, id := Name("describe"), Name("describe")
	create(topic, 1)
	client := newClient(kgo.TransactionalID(id), manual)
	defer client.Close()
	Ok(client.BeginTransaction())
	write(client, topic, "open")

	described := Must(admin.DescribeTransactions(ctx, id))[id]
	Ok(described.Err)
	Equal([]any{described.State, described.Topics[topic]}, []any{"Ongoing", map[int32]struct{}{0: {}}}, "the open transaction")
	_, listed := Must(admin.ListTransactions(ctx, nil, []string{"Ongoing"}))[id]
	Equal(listed, true, "listed as ongoing")
	producers := kadm.TopicsSet{}
	producers.Add(topic, 0)
	active := Must(admin.DescribeProducers(ctx, producers))[topic].Partitions[0].ActiveProducers
	producer, some := active[described.ProducerID]
	Equal([]any{some, producer.CurrentTxnStartOffset}, []any{true, int64(0)}, "the partition's producer")
	Equal(admin.FindTxnCoordinators(ctx, id)[id].Err, error(nil), "the coordinator")

	Ok(client.EndTransaction(ctx, kgo.TryCommit))
	Wait("the commit is complete", func() bool { return Must(admin.DescribeTransactions(ctx, id))[id].State == "CompleteCommit" })
	active = Must(admin.DescribeProducers(ctx, producers))[topic].Partitions[0].ActiveProducers
	Equal(active[described.ProducerID].CurrentTxnStartOffset, int64(-1), "the producer after the commit")
	missing := Must(admin.DescribeTransactions(ctx, Name("none")))[Name("none")]
	Equal(errors.Is(missing.Err, kerr.TransactionalIDNotFound), true, "a transaction that is not there")
}
