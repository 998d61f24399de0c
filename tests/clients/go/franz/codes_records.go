package main

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	. "clients/zoo"
)

// batch is one of `count` records; `change` may spoil it before the checksum
// is taken over it.
func batch(count int, change func(*kmsg.RecordBatch)) []byte {
	now := time.Now().UnixMilli()
	b := kmsg.RecordBatch{
		Magic: 2, LastOffsetDelta: int32(count - 1), FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(count), PartitionLeaderEpoch: -1,
	}
	for i := range count {
		r := kmsg.Record{OffsetDelta: int32(i), Value: Value(i)}
		// The length of what follows it, by a first writing with none.
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		b.Records = r.AppendTo(b.Records)
	}
	if change != nil {
		change(&b)
	}
	bytes := b.AppendTo(nil)
	binary.BigEndian.PutUint32(bytes[8:], uint32(len(bytes)-12))
	binary.BigEndian.PutUint32(bytes[17:], crc32.Checksum(bytes[21:], crc32.MakeTable(crc32.Castagnoli)))
	return bytes
}

func produceRequest(topic string, records []byte) *kmsg.ProduceRequest {
	request := kmsg.NewPtrProduceRequest()
	t := kmsg.NewProduceRequestTopic()
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = records
	t.Topic, t.TopicID, t.Partitions = topic, topicID(topic), append(t.Partitions, p)
	request.Acks, request.TimeoutMillis, request.Topics = -1, 30_000, append(request.Topics, t)
	return request
}

// sevenAcks goes past kgo, which puts its own setting in.
func sevenAcks(topic string) int16 {
	request := produceRequest(topic, batch(1, nil))
	request.Version, request.Acks = 9, 7
	frame := kmsg.NewRequestFormatter().AppendRequest(nil, request, 7)
	answer := kmsg.NewPtrProduceResponse()
	answer.Version = 9
	// The header is the correlation id and no tagged fields.
	Ok(answer.ReadFrom(exchange(frame[4:])[5:]))
	return answer.Topics[0].Partitions[0].ErrorCode
}

// send gives the code and the base offset.
func send(topic string, records []byte, change func(*kmsg.ProduceRequest)) (int16, int64) {
	request := produceRequest(topic, records)
	if change != nil {
		change(request)
	}
	answer := Must(request.RequestWith(ctx, broker)).Topics[0].Partitions[0]
	return answer.ErrorCode, answer.BaseOffset
}

func codesOfProduce() {
	topic := Name("codes-produce")
	create(topic, 1)
	refused := func(records []byte, wanted error, what string) {
		code, _ := send(topic, records, nil)
		coded(code, wanted, what)
	}
	refused(batch(3, nil), nil, "a good batch")
	spoiled := batch(1, nil)
	spoiled[len(spoiled)-1] ^= 1
	refused(spoiled, kerr.CorruptMessage, "a wrong checksum")
	refused(batch(1, func(b *kmsg.RecordBatch) { b.Attributes = 0x20 }), kerr.InvalidRecord, "a control batch")
	refused(batch(2, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 5 }), kerr.InvalidRecord, "a wrong last offset")
	refused(append(batch(1, nil), batch(1, nil)...), kerr.InvalidRecord, "two batches")
	refused(batch(1, func(b *kmsg.RecordBatch) { b.FirstTimestamp += 1e8; b.MaxTimestamp += 1e8 }), kerr.InvalidTimestamp, "tomorrow")
	refused(batch(1, func(b *kmsg.RecordBatch) {
		r := kmsg.Record{Value: make([]byte, 2_000_000)}
		// Its length takes four bytes, one when it is 0.
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		b.Records = r.AppendTo(nil)
	}), kerr.MessageTooLarge, "two megabytes")
	coded(sevenAcks(topic), kerr.InvalidRequiredAcks, "seven acks")
	code, _ := send(topic, batch(1, nil), func(r *kmsg.ProduceRequest) { r.Topics[0].Partitions[0].Partition = 9 })
	coded(code, kerr.UnknownTopicOrPartition, "partition 9")
	code, _ = send(topic, batch(1, nil), func(r *kmsg.ProduceRequest) { r.Topics[0].TopicID = [16]byte{1, 2, 3} })
	coded(code, kerr.UnknownTopicID, "an id of no topic")

	sequences(topic)
	Equal(len(read(topic, 10, kgo.ReadUncommitted())), 10, "what was taken")
}

// sequences writes seven records: what idempotence accepts, repeats and refuses.
func sequences(topic string) {
	given := Must(kmsg.NewPtrInitProducerIDRequest().RequestWith(ctx, broker))
	coded(given.ErrorCode, nil, "InitProducerId")
	numbered := func(epoch int16, first int32) []byte {
		return batch(1, func(b *kmsg.RecordBatch) {
			b.ProducerID, b.ProducerEpoch, b.FirstSequence = given.ProducerID, epoch, first
		})
	}
	at := map[int32]int64{}
	for sequence := range int32(6) {
		code, offset := send(topic, numbered(0, sequence), nil)
		coded(code, nil, "in sequence")
		at[sequence] = offset
	}
	for _, sequence := range []int32{5, 3, 1} {
		code, offset := send(topic, numbered(0, sequence), nil)
		coded(code, nil, "one of the last five again")
		Equal(offset, at[sequence], "its first offset")
	}
	code, _ := send(topic, numbered(0, 8), nil)
	coded(code, kerr.OutOfOrderSequenceNumber, "a gap")
	code, _ = send(topic, numbered(1, 3), nil)
	coded(code, kerr.OutOfOrderSequenceNumber, "a new epoch does not start at 0")
	code, _ = send(topic, numbered(1, 0), nil)
	coded(code, nil, "a new epoch")
	code, _ = send(topic, numbered(0, 6), nil)
	coded(code, kerr.InvalidProducerEpoch, "the old epoch")
}

func codesOfFetch() {
	topic := Name("codes-fetch")
	create(topic, 1)
	code, _ := send(topic, batch(5, nil), nil)
	coded(code, nil, "records")
	fetch := func(change func(*kmsg.FetchRequest, *kmsg.FetchRequestTopicPartition)) *kmsg.FetchResponse {
		request := kmsg.NewPtrFetchRequest()
		t := kmsg.NewFetchRequestTopic()
		p := kmsg.NewFetchRequestTopicPartition()
		p.PartitionMaxBytes = 1 << 20
		request.MaxBytes, request.MaxWaitMillis = 1<<20, 100
		change(request, &p)
		t.Topic, t.TopicID, t.Partitions = topic, topicID(topic), append(t.Partitions, p)
		request.Topics = append(request.Topics, t)
		return Must(request.RequestWith(ctx, broker))
	}
	partition := func(change func(*kmsg.FetchRequestTopicPartition)) kmsg.FetchResponseTopicPartition {
		answer := fetch(func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { change(p) })
		coded(answer.ErrorCode, nil, "the request")
		return answer.Topics[0].Partitions[0]
	}
	answer := partition(func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset = 2 })
	coded(answer.ErrorCode, nil, "from the middle of a batch")
	Equal(binary.BigEndian.Uint64(answer.RecordBatches), uint64(0), "the whole batch comes")
	Equal([]int64{answer.HighWatermark, answer.LastStableOffset, answer.LogStartOffset}, []int64{5, 5, 0}, "its offsets")
	answer = partition(func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset = 5 })
	coded(answer.ErrorCode, nil, "from the end")
	Equal(len(answer.RecordBatches), 0, "nothing there yet")
	answer = partition(func(p *kmsg.FetchRequestTopicPartition) { p.PartitionMaxBytes = 1 })
	Equal(len(answer.RecordBatches) > 61, true, "the first batch comes whatever the limit")
	coded(partition(func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset = 6 }).ErrorCode, kerr.OffsetOutOfRange, "beyond the end")
	coded(partition(func(p *kmsg.FetchRequestTopicPartition) { p.Partition = 9 }).ErrorCode, kerr.UnknownTopicOrPartition, "partition 9")
	coded(partition(func(p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = 1000 }).ErrorCode, kerr.UnknownLeaderEpoch, "an epoch to come")

	full := fetch(func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.SessionID, r.SessionEpoch = 4711, 3 })
	coded(full.ErrorCode, kerr.FetchSessionIDNotFound, "a session that is not there")
	opened := fetch(func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.SessionEpoch = 0 })
	coded(opened.ErrorCode, nil, "a new session")
	if opened.SessionID != 0 {
		wrong := fetch(func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) {
			r.SessionID, r.SessionEpoch = opened.SessionID, 9
		})
		coded(wrong.ErrorCode, kerr.InvalidFetchSessionEpoch, "a wrong session epoch")
	}

	list := func(partition int32, timestamp int64) int16 {
		request := kmsg.NewPtrListOffsetsRequest()
		t := kmsg.NewListOffsetsRequestTopic()
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = partition, timestamp
		t.Topic, t.Partitions = topic, append(t.Partitions, p)
		request.ReplicaID, request.Topics = -1, append(request.Topics, t)
		return Must(request.RequestWith(ctx, broker)).Topics[0].Partitions[0].ErrorCode
	}
	coded(list(9, -1), kerr.UnknownTopicOrPartition, "offsets of partition 9")
	coded(list(0, -77), kerr.UnsupportedVersion, "a special timestamp that is none")
}
