// segmentio/kafka-go. It has no transactional or idempotent writer: the
// transactions here are its client's single requests.
package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	. "clients/zoo"
)

var (
	topic, other, out, group = Name("topic"), Name("other"), Name("out"), Name("group")
	ctx                      = context.Background()
	address                  = kafka.TCP(Bootstrap)
	client                   = &kafka.Client{Addr: address, Timeout: 30 * time.Second}
)

// members are those in the group; a Reader does not say what it is assigned, so
// `watch` asks the broker.
var (
	mutex   sync.Mutex
	members []*Member
)

func watch() {
	for ; ; time.Sleep(200 * time.Millisecond) {
		found := Must(client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})).Groups[0]
		mutex.Lock()
		for i, member := range members {
			if found.GroupState != "Stable" || len(found.Members) != len(members) {
				member.Assign(nil)
				continue
			}
			var partitions []int32
			for _, t := range found.Members[i].MemberAssignments.Topics {
				for _, p := range t.Partitions {
					partitions = append(partitions, int32(p))
				}
			}
			member.Assign(partitions)
		}
		mutex.Unlock()
	}
}

func start() *Member {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{Bootstrap}, GroupID: group, Topic: topic, StartOffset: kafka.FirstOffset})
	member := &Member{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			m, err := reader.FetchMessage(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			Ok(err)
			Ok(reader.CommitMessages(ctx, m))
			member.Committed(Record{Key: string(m.Key), Value: string(m.Value), Header: string(m.Headers[0].Value)})
		}
	}()
	mutex.Lock()
	members = append(members, member)
	mutex.Unlock()
	member.Stop = func() {
		Ok(reader.Close())
		<-ended
		mutex.Lock()
		members = slices.DeleteFunc(members, func(m *Member) bool { return m == member })
		for _, m := range members {
			m.Assign(nil)
		}
		mutex.Unlock()
	}
	return member
}

func produce(numbers []int) {
	codecs := []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd}
	Shares(numbers, codecs, func(codec kafka.Compression, share []int) {
		// The default balancer ignores keys.
		writer := &kafka.Writer{Addr: address, Topic: topic, Compression: codec, Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll}
		var messages []kafka.Message
		for _, i := range share {
			messages = append(messages, kafka.Message{
				Key: Key(i), Value: Value(i), Headers: []kafka.Header{{Key: "n", Value: Header(i)}},
			})
		}
		Ok(writer.WriteMessages(ctx, messages...))
		Ok(writer.Close())
	})
}

// write puts the values into partition 0.
func write(to string, values []string, at func(i int) time.Time) {
	var records []kafka.Record
	for i, v := range values {
		records = append(records, kafka.Record{Value: kafka.NewBytes([]byte(v)), Time: at(i)})
	}
	answer := Must(client.Produce(ctx, &kafka.ProduceRequest{
		Topic: to, Partition: 0, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	}))
	Ok(answer.Error)
}

// read gives what partition 0 holds, which has `count` records.
func read(from string, count int) []string {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{Bootstrap}, Topic: from, Partition: 0})
	Ok(reader.SetOffset(kafka.FirstOffset))
	var values []string
	for range count {
		m := Must(reader.ReadMessage(ctx))
		values = append(values, string(m.Value))
	}
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if m, err := reader.ReadMessage(short); err == nil {
		panic("one more: " + string(m.Value))
	}
	Ok(reader.Close())
	return values
}

func transactions() {
	id := Must(client.InitProducerID(ctx, &kafka.InitProducerIDRequest{TransactionalID: Name("tx"), TransactionTimeoutMs: 60_000, ProducerID: -1, ProducerEpoch: -1}))
	Ok(id.Error)
	producer, epoch := id.Producer.ProducerID, id.Producer.ProducerEpoch
	added := Must(client.AddPartitionsToTxn(ctx, &kafka.AddPartitionsToTxnRequest{
		TransactionalID: Name("tx"), ProducerID: producer, ProducerEpoch: epoch,
		Topics: map[string][]kafka.AddPartitionToTxn{out: {{Partition: 0}}},
	}))
	Ok(added.Topics[out][0].Error)
	ended := Must(client.EndTxn(ctx, &kafka.EndTxnRequest{
		TransactionalID: Name("tx"), ProducerID: producer, ProducerEpoch: epoch, Committed: true,
	}))
	Ok(ended.Error)
	stale := Must(client.EndTxn(ctx, &kafka.EndTxnRequest{
		TransactionalID: Name("tx"), ProducerID: producer, ProducerEpoch: epoch + 5, Committed: true,
	}))
	Equal(stale.Error != nil, true, "an error for the wrong epoch")
}

func main() {
	Step("topic", func() {
		created := Must(client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
			{Topic: topic, NumPartitions: 3, ReplicationFactor: 1},
			{Topic: other, NumPartitions: 1, ReplicationFactor: 1},
			{Topic: out, NumPartitions: 1, ReplicationFactor: 1},
		}}))
		for _, err := range created.Errors {
			Ok(err)
		}
		Wait("metadata", func() bool {
			found := Must(client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}}))
			return len(found.Topics) == 1 && len(found.Topics[0].Partitions) == 3
		})
		more := Must(client.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: other, Count: 2}}}))
		Ok(more.Errors[other])
	})

	Step("group", func() {
		go watch()
		GroupOfThree(start, produce, func() {
			found := Must(client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})).Groups[0]
			Equal([]any{found.GroupState, len(found.Members)}, []any{"Stable", 2}, "the group")
		})
	})

	Step("groups", func() {
		listed := func() bool {
			for _, g := range Must(client.ListGroups(ctx, &kafka.ListGroupsRequest{})).Groups {
				if g.GroupID == group {
					return true
				}
			}
			return false
		}
		Equal(listed(), true, "listed")
		offsets := Must(client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {0, 1, 2}}}))
		sum := int64(0)
		for _, p := range offsets.Topics[topic] {
			sum += p.CommittedOffset
		}
		Equal(sum, int64(1500), "committed")
		Ok(Must(client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{group}})).Errors[group])
		Equal(listed(), false, "listed after its end")
	})

	Step("offsets", func() {
		begin := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		write(other, Values(0, 10), func(i int) time.Time { return begin.Add(time.Duration(i) * time.Second) })
		found := Must(client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
			other: {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0), kafka.TimeOffsetOf(0, begin.Add(4500*time.Millisecond))},
		}})).Topics[other][0]
		Ok(found.Error)
		_, five := found.Offsets[5]
		Equal([]any{found.FirstOffset, found.LastOffset, five}, []any{int64(0), int64(10), true}, "offsets")
		Equal(read(other, 10), Values(0, 10), "what is there")
	})

	Step("transactions", transactions)

	Step("configs", func() {
		change := kafka.IncrementalAlterConfigsRequestConfig{Name: "retention.ms", Value: "123456789", ConfigOperation: kafka.ConfigOperationSet}
		altered := Must(client.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
			Resources: []kafka.IncrementalAlterConfigsRequestResource{{
				ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, Configs: []kafka.IncrementalAlterConfigsRequestConfig{change},
			}},
		}))
		Ok(altered.Resources[0].Error)
		Wait("the new retention", func() bool {
			described := Must(client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
				Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{"retention.ms"}}},
			}))
			return described.Resources[0].ConfigEntries[0].ConfigValue == "123456789"
		})
	})

	Step("delete", func() {
		deleted := Must(client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic, other, out}}))
		for _, err := range deleted.Errors {
			Ok(err)
		}
		Wait("the topics are gone", func() bool {
			for _, t := range Must(client.Metadata(ctx, &kafka.MetadataRequest{})).Topics {
				if t.Name == topic || t.Name == out {
					return false
				}
			}
			return true
		})
	})
}
