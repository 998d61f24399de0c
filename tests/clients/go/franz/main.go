// franz-go: what the other clients do, and more. kgo produces and consumes in
// all three group protocols, kadm administers, and kmsg's single requests
// provoke the error codes that a client can.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	. "clients/zoo"
)

var ctx = context.Background()

// newClient has the default settings and those.
func newClient(opts ...kgo.Opt) *kgo.Client {
	return Must(kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(Bootstrap)}, opts...)...))
}

// admin is used by all steps.
var admin = kadm.NewClient(newClient())

// create makes a topic and waits until the broker knows it.
func create(topic string, partitions int32) {
	_ = Must(admin.CreateTopic(ctx, partitions, 1, nil, topic))
	Wait("metadata of "+topic, func() bool {
		found := Must(admin.ListTopics(ctx, topic))[topic]
		return found.Err == nil && len(found.Partitions) == int(partitions)
	})
}

// write puts values into partition 0.
func write(client *kgo.Client, topic string, values ...string) {
	Ok(tryWrite(client, topic, values...))
}

func tryWrite(client *kgo.Client, topic string, values ...string) error {
	short, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var records []*kgo.Record
	for _, v := range values {
		records = append(records, &kgo.Record{Topic: topic, Partition: 0, Value: []byte(v)})
	}
	return client.ProduceSync(short, records...).FirstErr()
}

// manual is for producers that write to partition 0.
var manual = kgo.RecordPartitioner(kgo.ManualPartitioner())

// read gives what partition 0 holds, which is `count` records: another moment
// brings no more.
func read(topic string, count int, isolation kgo.IsolationLevel) []string {
	client := newClient(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(isolation),
	)
	defer client.Close()
	var values []string
	poll := func(patience time.Duration) {
		short, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		client.PollFetches(short).EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	Wait(fmt.Sprintf("%d records of %s", count, topic), func() bool {
		poll(time.Second)
		return len(values) >= count
	})
	poll(500 * time.Millisecond)
	return values
}

func main() {
	Step("group-range", func() { groups("range", kgo.Balancers(kgo.RangeBalancer())) })
	Step("group-cooperative", func() { groups("cooperative", kgo.Balancers(kgo.CooperativeStickyBalancer())) })
	Step("group-848", func() { groups("848", kgo.ServerSideBalancer()) })
	Step("group-static", staticMember)
	Step("tx-commit-abort", commitAndAbort)
	Step("tx-offsets", consumeTransformProduce)
	Step("tx-fencing", fencing)
	Step("tx-timeout", timeout)
	Step("admin-topics", adminTopics)
	Step("admin-configs", adminConfigs)
	Step("admin-offsets", adminOffsets)
	Step("admin-groups", adminGroups)
	Step("admin-transactions", adminTransactions)
	Step("codes-versions", codesOfVersions)
	Step("codes-topics", codesOfTopics)
	Step("codes-produce", codesOfProduce)
	Step("codes-fetch", codesOfFetch)
	Step("codes-groups", codesOfGroups)
	Step("codes-848", codesOf848)
	Step("codes-transactions", codesOfTransactions)
	Step("codes-configs", codesOfConfigs)
}
