package main

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	. "clients/zoo"
)

func initProducer(id string, timeout int32) *kmsg.InitProducerIDResponse {
	request := kmsg.NewPtrInitProducerIDRequest()
	request.TransactionalID, request.TransactionTimeoutMillis = &id, timeout
	// A transaction that is being ended asks for another try.
	for {
		answer := Must(request.RequestWith(ctx, broker))
		if kerr.ErrorForCode(answer.ErrorCode) != kerr.ConcurrentTransactions {
			return answer
		}
	}
}

func codesOfTransactions() {
	topic, id := Name("codes-tx"), Name("codes-tx")
	create(topic, 1)
	coded(initProducer("", 10_000).ErrorCode, kerr.InvalidRequest, "an empty id")
	coded(initProducer(id, 0).ErrorCode, kerr.InvalidTransactionTimeout, "no timeout")
	coded(initProducer(id, 1_000_000_000).ErrorCode, kerr.InvalidTransactionTimeout, "eleven days")
	given := initProducer(id, 10_000)
	coded(given.ErrorCode, nil, "InitProducerId")
	producer, epoch := given.ProducerID, given.ProducerEpoch

	end := func(id string, producer int64, epoch int16, commit bool) *kmsg.EndTxnResponse {
		request := kmsg.NewPtrEndTxnRequest()
		request.TransactionalID, request.ProducerID, request.ProducerEpoch, request.Commit = id, producer, epoch, commit
		for {
			answer := Must(request.RequestWith(ctx, broker))
			if kerr.ErrorForCode(answer.ErrorCode) != kerr.ConcurrentTransactions {
				return answer
			}
		}
	}
	coded(end(Name("none"), producer, epoch, true).ErrorCode, kerr.InvalidProducerIDMapping, "an end of no transaction")
	coded(end(id, producer+1, epoch, true).ErrorCode, kerr.InvalidProducerIDMapping, "another producer's end")
	coded(end(id, producer, epoch+1, true).ErrorCode, kerr.ProducerFenced, "another epoch's end")
	coded(end(id, producer, epoch, true).ErrorCode, kerr.InvalidTxnState, "a commit of nothing")

	add := func(topic string, epoch int16) int16 {
		request := kmsg.NewPtrAddPartitionsToTxnRequest()
		request.SetVersion(3)
		t := kmsg.NewAddPartitionsToTxnRequestTopic()
		t.Topic, t.Partitions = topic, []int32{0}
		request.TransactionalID, request.ProducerID, request.ProducerEpoch = id, producer, epoch
		request.Topics = append(request.Topics, t)
		// Version 4 and later are the brokers' own.
		client := newClient(kgo.MaxVersions(versionsUpTo(kmsg.AddPartitionsToTxn, 3)))
		defer client.Close()
		Ok(client.Ping(ctx))
		answer := Must(request.RequestWith(ctx, client.Broker(int(Must(admin.ListBrokers(ctx))[0].NodeID))))
		return answer.Topics[0].Partitions[0].ErrorCode
	}
	coded(add(Name("none"), epoch), kerr.UnknownTopicOrPartition, "a partition that is not there")
	coded(add(topic, epoch+1), kerr.ProducerFenced, "another epoch's partition")
	coded(add(topic, epoch), nil, "a partition")
	written := batch(1, func(b *kmsg.RecordBatch) {
		b.ProducerID, b.ProducerEpoch, b.FirstSequence, b.Attributes = producer, epoch, 0, 0x10
	})
	code, _ := send(topic, written, func(r *kmsg.ProduceRequest) { r.TransactionID = &id })
	coded(code, nil, "a record")
	code, _ = send(topic, batch(1, func(b *kmsg.RecordBatch) {
		b.ProducerID, b.ProducerEpoch, b.FirstSequence = producer, epoch, 1
	}), nil)
	coded(code, kerr.InvalidTxnState, "a record outside of it")
	ended := end(id, producer, epoch, false)
	coded(ended.ErrorCode, nil, "an abort")
	if ended.Version >= 5 {
		Equal([]any{ended.ProducerID, ended.ProducerEpoch}, []any{producer, epoch + 1}, "it raises the epoch")
		coded(end(id, producer, epoch, false).ErrorCode, nil, "the abort again")
		coded(end(id, producer, epoch, true).ErrorCode, kerr.InvalidTxnState, "a commit of what is aborted")
	}
	coded(initProducer(id, 10_000).ErrorCode, nil, "the next producer")
	coded(end(id, producer, epoch, true).ErrorCode, kerr.ProducerFenced, "the first one's end")
	Equal(read(topic, 1, kgo.ReadUncommitted()), Values(0, 1), "all")
}
