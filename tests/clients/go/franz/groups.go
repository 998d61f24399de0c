package main

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	. "clients/zoo"
)

// groups is the story that every client plays, in one of the protocols.
func groups(what string, balancer kgo.GroupOpt) {
	topic, group := Name(what), Name("group-"+what)
	create(topic, 3)
	start := func() *Member { return startMember(topic, group, balancer) }
	produce := func(numbers []int) { produceAll(topic, numbers) }
	GroupOfThree(start, produce, func() {
		Wait("a stable group of two", func() bool {
			if what == "848" {
				found := Must(admin.DescribeConsumerGroups(ctx, group))[group]
				return found.State == "Stable" && len(found.Members) == 2
			}
			found := Must(admin.DescribeGroups(ctx, group))[group]
			return found.State == "Stable" && len(found.Members) == 2
		})
	})
	sum := int64(0)
	for _, o := range Must(admin.FetchOffsets(ctx, group))[topic] {
		sum += o.At
	}
	Equal(sum, int64(1500), "committed")
	_, err := admin.DeleteGroup(ctx, group)
	Ok(err)
}

func startMember(topic, group string, options ...kgo.GroupOpt) *Member {
	member := &Member{}
	add := func(_ context.Context, _ *kgo.Client, more map[string][]int32) {
		member.Update(func(now []int32) []int32 { return append(now, more[topic]...) })
	}
	remove := func(_ context.Context, _ *kgo.Client, less map[string][]int32) {
		member.Update(func(now []int32) []int32 {
			return slices.DeleteFunc(slices.Clone(now), func(p int32) bool { return slices.Contains(less[topic], p) })
		})
	}
	all := []kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(add), kgo.OnPartitionsRevoked(remove), kgo.OnPartitionsLost(remove),
	}
	for _, o := range options {
		all = append(all, o)
	}
	client := newClient(all...)
	var stopped atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			fetches := client.PollFetches(ctx)
			if fetches.IsClientClosed() {
				return
			}
			Ok(fetches.Err())
			if len(fetches.Records()) == 0 {
				continue
			}
			// In the new protocol the epoch of a member may rise while nothing of
			// its own changes; a commit before it hears of that is tried again.
			Wait("the commit", func() bool {
				err := client.CommitRecords(ctx, fetches.Records()...)
				if errors.Is(err, kerr.StaleMemberEpoch) || stopped.Load() {
					return stopped.Load()
				}
				Ok(err)
				return true
			})
			for _, r := range fetches.Records() {
				member.Committed(Record{Key: string(r.Key), Value: string(r.Value), Header: string(r.Headers[0].Value)})
			}
		}
	}()
	member.Stop = func() {
		stopped.Store(true)
		client.Close()
		<-ended
	}
	return member
}

func produceAll(topic string, numbers []int) {
	codecs := []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	}
	Shares(numbers, codecs, func(codec kgo.CompressionCodec, share []int) {
		client := newClient(kgo.ProducerBatchCompression(codec))
		defer client.Close()
		var records []*kgo.Record
		for _, i := range share {
			records = append(records, &kgo.Record{
				Topic: topic, Key: Key(i), Value: Value(i), Headers: []kgo.RecordHeader{{Key: "n", Value: Header(i)}},
			})
		}
		Ok(client.ProduceSync(ctx, records...).FirstErr())
	})
}

// A static member that comes back in time keeps its partitions: the group's
// generation does not change.
func staticMember() {
	topic, group := Name("static"), Name("group-static")
	create(topic, 3)
	generation := func(wanted int) (generation int32) {
		assigned := make(chan int32, 10)
		client := newClient(
			kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.InstanceID("one"), kgo.DisableAutoCommit(),
			kgo.OnPartitionsAssigned(func(_ context.Context, c *kgo.Client, p map[string][]int32) {
				_, generation := c.GroupMetadata()
				assigned <- generation
			}),
		)
		go client.PollFetches(ctx)
		generation = <-assigned
		Equal(len(Must(admin.DescribeGroups(ctx, group))[group].Members), wanted, "members")
		// Closing a static member does not leave the group.
		client.Close()
		return generation
	}
	first := generation(1)
	Equal(generation(1), first, "the generation after a restart")
	Equal(len(Must(admin.DescribeGroups(ctx, group))[group].Members), 1, "members after the end")
	removed := Must(admin.LeaveGroup(ctx, leaveOf(group, "one")))
	for _, r := range removed {
		Ok(r.Err)
	}
	Equal(len(Must(admin.DescribeGroups(ctx, group))[group].Members), 0, "members after the removal")
}
