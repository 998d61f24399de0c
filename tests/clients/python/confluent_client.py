"""confluent-kafka, on librdkafka: both group protocols."""

import time

from confluent_kafka import (
    Consumer,
    ConsumerGroupState,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from zoo import BOOTSTRAP, Member, equal, group_of_three, header, key, name, step, value, wait

TOPIC, OTHER, OUT, GROUP = name("topic"), name("other"), name("out"), name("group")
server = {"bootstrap.servers": BOOTSTRAP}
admin = AdminClient(server)


def done(futures):
    """The results of an admin call by name; the first error is raised."""
    return {k: f.result(30) for k, f in futures.items()}


class GroupMember(Member):
    def poll(self, consumer):
        records = consumer.consume(500, 0.1)
        for r in records:
            if r.error():
                raise KafkaException(r.error())
        return [(r.key(), r.value(), r.headers()[0][1]) for r in records]

    def commit(self, consumer):
        try:
            consumer.commit(asynchronous=False)
            return True
        except KafkaException as error:
            # In the new protocol the epoch of a member may rise while nothing of
            # its own changes; a commit before it hears of that is tried again.
            if error.args[0].code() == KafkaError.STALE_MEMBER_EPOCH:
                return False
            raise

    def owned(self, consumer):
        return tuple(p.partition for p in consumer.assignment())


def consumer(topic, group, **options):
    options = {k.replace("_", "."): v for k, v in options.items()}
    it = Consumer(server | {"group.id": group, "auto.offset.reset": "earliest"} | options)
    it.subscribe([topic])
    return it


def produce(topic):
    def write(numbers):
        codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
        share = len(numbers) // len(codecs)
        for n, codec in enumerate(codecs):
            producer = Producer(server | {"compression.type": codec, "enable.idempotence": n % 2 == 0})
            for i in numbers[n * share : (n + 1) * share]:
                producer.produce(topic, key=key(i), value=value(i), headers=[("n", header(i))])
            equal(producer.flush(30), 0, "records not sent")

    return write


def read(topic, count, isolation="read_committed"):
    """What partition 0 of the topic holds; one more poll sees that it is all."""
    it = Consumer(server | {"group.id": name("read"), "isolation.level": isolation})
    it.assign([TopicPartition(topic, 0, 0)])
    records = []

    def enough():
        records.extend(it.consume(100, 0.3))
        return len(records) >= count

    wait(f"{count} records of {topic}", enough)
    records += it.consume(1, 0.5)
    it.close()
    return [r.value() for r in records]


with step("topic"):
    topics = [NewTopic(TOPIC, 3), NewTopic(name("next"), 3), NewTopic(OTHER, 1), NewTopic(OUT, 1)]
    done(admin.create_topics(topics))
    wait("metadata", lambda: len(admin.list_topics(TOPIC, 10).topics[TOPIC].partitions) == 3)
    done(admin.create_partitions([NewPartitions(OTHER, 2)]))
    wait("two partitions", lambda: len(admin.list_topics(OTHER, 10).topics[OTHER].partitions) == 2)


def look(group):
    def stable():
        (described,) = done(admin.describe_consumer_groups([group])).values()
        return (described.state, len(described.members)) == (ConsumerGroupState.STABLE, 2)

    return lambda: wait("a stable group of two", stable)


with step("group"):
    group_of_three(lambda: GroupMember(consumer(TOPIC, GROUP)), produce(TOPIC), look(GROUP))

with step("group-848"):
    group_of_three(
        lambda: GroupMember(consumer(name("next"), name("group-848"), group_protocol="consumer")),
        produce(name("next")),
        look(name("group-848")),
    )

with step("groups"):
    for group in [GROUP, name("group-848")]:
        assert group in [g.group_id for g in admin.list_consumer_groups().result(30).valid]
        (left,) = done(admin.describe_consumer_groups([group])).values()
        equal((left.state, len(left.members)), (ConsumerGroupState.EMPTY, 0), "the group")
        done(admin.delete_consumer_groups([group]))
        assert group not in [g.group_id for g in admin.list_consumer_groups().result(30).valid]

with step("offsets"):
    start = int(time.time() * 1000) - 3_600_000
    producer = Producer(server)
    for i in range(10):
        producer.produce(OTHER, partition=0, value=value(i), timestamp=start + i * 1000)
    equal(producer.flush(30), 0, "records not sent")
    tp = TopicPartition(OTHER, 0)

    def offset(spec, isolation=IsolationLevel.READ_UNCOMMITTED):
        (result,) = done(admin.list_offsets({tp: spec}, isolation_level=isolation)).values()
        return result.offset

    equal(offset(OffsetSpec.for_timestamp(start + 4500)), 5, "offset at 4.5 s")
    equal(offset(OffsetSpec.for_timestamp(start + 10_000)), -1, "offset after the last")
    equal([offset(s) for s in [OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.max_timestamp()]], [0, 10, 9], "ends")

with step("delete-records"):
    done(admin.delete_records([TopicPartition(OTHER, 0, 4)]))
    equal(offset(OffsetSpec.earliest()), 4, "first offset")
    reader = consumer(OTHER, GROUP, enable_auto_commit=False)
    left = []

    def six():
        left.extend(reader.consume(100, 0.2))
        return len(left) >= 6

    wait("input", six)
    equal([r.value() for r in left], [value(i) for i in range(4, 10)], "what is left")

with step("transactions"):
    producer = Producer(server | {"transactional.id": name("tx")})
    producer.init_transactions(30)
    for numbers, end in [(range(10), producer.commit_transaction), (range(10, 20), producer.abort_transaction)]:
        producer.begin_transaction()
        for i in numbers:
            producer.produce(OUT, partition=0, value=value(i))
        # An abort drops what is still in the producer's own queue.
        equal(producer.flush(30), 0, "records not sent")
        end(30)
    equal(read(OUT, 10), [value(i) for i in range(10)], "committed")
    equal(read(OUT, 20, "read_uncommitted"), [value(i) for i in range(20)], "all")
    producer.begin_transaction()
    for record in left:
        producer.produce(OUT, partition=0, value=b"new " + record.value())
    producer.send_offsets_to_transaction([TopicPartition(OTHER, 0, 10)], reader.consumer_group_metadata(), 30)
    producer.commit_transaction(30)
    wait("offsets committed with the transaction", lambda: reader.committed([tp], 10)[0].offset == 10)
    reader.close()
    equal(read(OUT, 16)[10:], [b"new " + value(i) for i in range(4, 10)], "transformed")

with step("configs"):

    def described():
        (configs,) = done(admin.describe_configs([ConfigResource(ResourceType.TOPIC, TOPIC)])).values()
        return configs["retention.ms"].value

    change = ConfigEntry("retention.ms", "123456789", incremental_operation=AlterConfigOpType.SET)
    done(admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=[change])]))
    wait("the new retention", lambda: described() == "123456789")

with step("delete"):
    done(admin.delete_topics([TOPIC, OTHER, OUT, name("next")]))
    wait("the topics are gone", lambda: not {TOPIC, OTHER, OUT} & set(admin.list_topics(timeout=10).topics))
