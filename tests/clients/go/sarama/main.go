// sarama.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"

	. "clients/zoo"
)

var (
	topic, other, out, group = Name("topic"), Name("other"), Name("out"), Name("group")
	brokers                  = []string{Bootstrap}
)

// config is the default one; a SyncProducer needs the successes.
func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Producer.Return.Successes = true
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	return c
}

type handler struct{ member *Member }

func (h handler) Setup(s sarama.ConsumerGroupSession) error {
	h.member.Assign(s.Claims()[topic])
	return nil
}

func (h handler) Cleanup(sarama.ConsumerGroupSession) error {
	h.member.Assign(nil)
	return nil
}

func (h handler) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case m, more := <-claim.Messages():
			if !more {
				return nil
			}
			s.MarkMessage(m, "")
			// A commit goes over the connection that may have a fetch parked,
			// so not one for each record.
			if len(claim.Messages()) == 0 {
				s.Commit()
			}
			h.member.Committed(Record{Key: string(m.Key), Value: string(m.Value), Header: string(m.Headers[0].Value)})
		case <-s.Context().Done():
			return nil
		}
	}
}

func start() *Member {
	consumer := Must(sarama.NewConsumerGroup(brokers, group, config()))
	member := &Member{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			err := consumer.Consume(context.Background(), []string{topic}, handler{member})
			if errors.Is(err, sarama.ErrClosedConsumerGroup) {
				return
			}
			Ok(err)
		}
	}()
	member.Stop = func() {
		Ok(consumer.Close())
		<-ended
	}
	return member
}

func produce(numbers []int) {
	codecs := []sarama.CompressionCodec{
		sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4, sarama.CompressionZSTD,
	}
	Shares(numbers, codecs, func(codec sarama.CompressionCodec, share []int) {
		c := config()
		c.Producer.Compression = codec
		// Sarama asks for these two with idempotence.
		c.Producer.Idempotent = codec != sarama.CompressionNone
		if c.Producer.Idempotent {
			c.Producer.RequiredAcks = sarama.WaitForAll
			c.Net.MaxOpenRequests = 1
		}
		producer := Must(sarama.NewSyncProducer(brokers, c))
		var messages []*sarama.ProducerMessage
		for _, i := range share {
			messages = append(messages, &sarama.ProducerMessage{
				Topic: topic, Key: sarama.ByteEncoder(Key(i)), Value: sarama.ByteEncoder(Value(i)),
				Headers: []sarama.RecordHeader{{Key: []byte("n"), Value: Header(i)}},
			})
		}
		Ok(producer.SendMessages(messages))
		Ok(producer.Close())
	})
}

// read gives what partition 0 holds from the offset on, of `count` records.
func read(from string, offset int64, count int, isolation sarama.IsolationLevel) []string {
	c := config()
	c.Consumer.IsolationLevel = isolation
	consumer := Must(sarama.NewConsumer(brokers, c))
	partition := Must(consumer.ConsumePartition(from, 0, offset))
	var values []string
	patience := time.After(30 * time.Second)
	for len(values) < count {
		select {
		case m := <-partition.Messages():
			values = append(values, string(m.Value))
		case <-patience:
			panic("the records did not come")
		}
	}
	select {
	case m := <-partition.Messages():
		values = append(values, string(m.Value))
	case <-time.After(time.Second):
	}
	Ok(partition.Close())
	Ok(consumer.Close())
	return values
}

func transactions(admin sarama.ClusterAdmin) {
	c := config()
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Transaction.ID = Name("tx")
	c.Net.MaxOpenRequests = 1
	// The default would spread them.
	c.Producer.Partitioner = sarama.NewManualPartitioner
	producer := Must(sarama.NewSyncProducer(brokers, c))
	send := func(values []string) {
		for _, v := range values {
			_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: out, Partition: 0, Value: sarama.StringEncoder(v)})
			Ok(err)
		}
	}
	Ok(producer.BeginTxn())
	send(Values(0, 10))
	Ok(producer.CommitTxn())
	Ok(producer.BeginTxn())
	send(Values(10, 20))
	Ok(producer.AbortTxn())
	Ok(producer.BeginTxn())
	for _, v := range read(other, 4, 6, sarama.ReadCommitted) {
		send([]string{"new " + v})
	}
	Ok(producer.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{other: {{Partition: 0, Offset: 10}}}, group))
	Ok(producer.CommitTxn())
	Ok(producer.Close())
	var transformed []string
	for _, v := range Values(4, 10) {
		transformed = append(transformed, "new "+v)
	}
	Equal(read(out, 0, 16, sarama.ReadCommitted), append(Values(0, 10), transformed...), "committed")
	Equal(read(out, 0, 26, sarama.ReadUncommitted), append(Values(0, 20), transformed...), "all")
	Wait("offsets committed with the transaction", func() bool {
		found := Must(admin.ListConsumerGroupOffsets(group, map[string][]int32{other: {0}}))
		return found.GetBlock(other, 0).Offset == 10
	})
}

func main() {
	admin := Must(sarama.NewClusterAdmin(brokers, config()))
	client := Must(sarama.NewClient(brokers, config()))

	Step("topic", func() {
		for name, partitions := range map[string]int32{topic: 3, other: 1, out: 1} {
			Ok(admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false))
		}
		Wait("metadata", func() bool {
			found := Must(admin.DescribeTopics([]string{topic}))
			return len(found[0].Partitions) == 3
		})
		Ok(admin.CreatePartitions(other, 2, nil, false))
		err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
		Equal(errors.Is(err, sarama.ErrTopicAlreadyExists), true, "created again")
	})

	Step("group", func() {
		GroupOfThree(start, produce, func() {
			found := Must(admin.DescribeConsumerGroups([]string{group}))[0]
			Equal([]any{found.State, len(found.Members)}, []any{"Stable", 2}, "the group")
		})
	})

	Step("groups", func() {
		listed := func() bool { _, some := Must(admin.ListConsumerGroups())[group]; return some }
		Equal(listed(), true, "listed")
		sum := int64(0)
		for _, block := range Must(admin.ListConsumerGroupOffsets(group, nil)).Blocks[topic] {
			sum += block.Offset
		}
		Equal(sum, int64(1500), "committed")
		Ok(admin.DeleteConsumerGroup(group))
		Equal(listed(), false, "listed after its end")
	})

	Step("offsets", func() {
		begin := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		c := config()
		c.Producer.Partitioner = sarama.NewManualPartitioner
		producer := Must(sarama.NewSyncProducer(brokers, c))
		for i := range 10 {
			_, _, err := producer.SendMessage(&sarama.ProducerMessage{
				Topic: other, Partition: 0, Value: sarama.ByteEncoder(Value(i)), Timestamp: begin.Add(time.Duration(i) * time.Second),
			})
			Ok(err)
		}
		Ok(producer.Close())
		at := func(time int64) int64 { return Must(client.GetOffset(other, 0, time)) }
		Equal(at(begin.UnixMilli()+4500), int64(5), "offset at 4.5 s")
		Equal(at(begin.UnixMilli()+10_000), int64(-1), "offset after the last")
		Ok(admin.DeleteRecords(other, map[int32]int64{0: 4}))
		Equal([]int64{at(sarama.OffsetOldest), at(sarama.OffsetNewest)}, []int64{4, 10}, "ends")
		Equal(read(other, sarama.OffsetOldest, 6, sarama.ReadUncommitted), Values(4, 10), "what is left")
	})

	Step("transactions", func() { transactions(admin) })

	Step("configs", func() {
		value := "123456789"
		change := map[string]sarama.IncrementalAlterConfigsEntry{
			"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value},
		}
		Ok(admin.IncrementalAlterConfig(sarama.TopicResource, topic, change, false))
		Wait("the new retention", func() bool {
			resource := sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"}}
			return Must(admin.DescribeConfig(resource))[0].Value == value
		})
	})

	Step("delete", func() {
		for _, name := range []string{topic, other, out} {
			Ok(admin.DeleteTopic(name))
		}
		Wait("the topics are gone", func() bool {
			topics := Must(admin.ListTopics())
			_, some := topics[topic]
			_, more := topics[out]
			return !some && !more
		})
		Ok(admin.Close())
	})
}
