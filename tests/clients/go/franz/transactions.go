package main

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	. "clients/zoo"
)

func commitAndAbort() {
	topic := Name("tx")
	create(topic, 1)
	client := newClient(kgo.TransactionalID(Name("tx")), manual)
	defer client.Close()
	Ok(client.BeginTransaction())
	write(client, topic, Values(0, 10)...)
	Ok(client.EndTransaction(ctx, kgo.TryCommit))
	Ok(client.BeginTransaction())
	write(client, topic, Values(10, 20)...)
	Equal(read(topic, 10, kgo.ReadCommitted()), Values(0, 10), "committed, while one is open")
	Ok(client.EndTransaction(ctx, kgo.TryAbort))
	Ok(client.BeginTransaction())
	write(client, topic, Values(20, 30)...)
	Ok(client.EndTransaction(ctx, kgo.TryCommit))
	Equal(read(topic, 20, kgo.ReadCommitted()), append(Values(0, 10), Values(20, 30)...), "committed")
	Equal(read(topic, 30, kgo.ReadUncommitted()), Values(0, 30), "all")
	// An empty one is none for the broker.
	Ok(client.BeginTransaction())
	Ok(client.EndTransaction(ctx, kgo.TryCommit))
}

func consumeTransformProduce() {
	in, out, group := Name("in"), Name("out"), Name("group-tx")
	create(in, 1)
	create(out, 1)
	producer := newClient(manual)
	defer producer.Close()
	write(producer, in, Values(0, 20)...)
	// Each round takes what one session reads; the first is aborted.
	for _, commit := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		session := Must(kgo.NewGroupTransactSession(
			kgo.SeedBrokers(Bootstrap), kgo.TransactionalID(Name("etl")), manual,
			kgo.ConsumerGroup(group), kgo.ConsumeTopics(in), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		))
		Ok(session.Begin())
		for n := 0; n < 20; {
			fetches := session.PollFetches(ctx)
			Ok(fetches.Err())
			for _, r := range fetches.Records() {
				Ok(session.ProduceSync(ctx, &kgo.Record{Topic: out, Value: append([]byte("new "), r.Value...)}).FirstErr())
				n++
			}
		}
		committed := Must(session.End(ctx, commit))
		Equal(committed, bool(commit), "committed")
		session.Close()
	}
	var wanted []string
	for _, v := range Values(0, 20) {
		wanted = append(wanted, "new "+v)
	}
	Equal(read(out, 20, kgo.ReadCommitted()), wanted, "transformed")
	Equal(len(read(out, 40, kgo.ReadUncommitted())), 40, "all")
	Wait("offsets committed with the transaction", func() bool {
		offset, some := Must(admin.FetchOffsets(ctx, group)).Lookup(in, 0)
		return some && offset.At == 20
	})
}

// A second producer with the same id ends the first's transaction and shuts it out.
func fencing() {
	topic := Name("fence")
	create(topic, 1)
	first := newClient(kgo.TransactionalID(Name("fence")), manual)
	defer first.Close()
	Ok(first.BeginTransaction())
	write(first, topic, "lost")
	second := newClient(kgo.TransactionalID(Name("fence")), manual)
	defer second.Close()
	Ok(second.BeginTransaction())
	write(second, topic, "kept")
	Ok(second.EndTransaction(ctx, kgo.TryCommit))
	err := tryWrite(first, topic, "late")
	if err == nil {
		err = first.EndTransaction(ctx, kgo.TryCommit)
	}
	fenced := errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch)
	Equal(fenced, true, "fenced: "+errorText(err))
	Equal(read(topic, 1, kgo.ReadCommitted()), []string{"kept"}, "committed")
}

// The broker aborts what stays open longer than it may.
func timeout() {
	topic := Name("timeout")
	create(topic, 1)
	slow := newClient(kgo.TransactionalID(Name("timeout")), kgo.TransactionTimeout(time.Second), manual)
	defer slow.Close()
	Ok(slow.BeginTransaction())
	write(slow, topic, "lost")
	plain := newClient(manual)
	defer plain.Close()
	write(plain, topic, "after")
	// It waits behind the open transaction until the broker ends that.
	Equal(read(topic, 1, kgo.ReadCommitted()), []string{"after"}, "committed")
	err := slow.EndTransaction(ctx, kgo.TryCommit)
	Equal(err != nil, true, "the commit is refused")
}

func errorText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}
