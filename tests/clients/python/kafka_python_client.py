"""kafka-python."""

import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import UnknownTopicOrPartitionError
from kafka.structs import OffsetAndMetadata

from zoo import BOOTSTRAP, Member, check, equal, group_of_three, header, key, name, step, value, wait

TOPIC, OTHER, GROUP = name("topic"), name("other"), name("group")
admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)


class GroupMember(Member):
    def poll(self, consumer):
        # Time that runs out while the leader waits for metadata leaves kafka-python
        # 3.0.12 without an assignment for good.
        polled = consumer.poll(timeout_ms=1000)
        return [(r.key, r.value, r.headers[0][1]) for batch in polled.values() for r in batch]

    def commit(self, consumer):
        consumer.commit()
        return True

    def owned(self, consumer):
        return tuple(p.partition for p in consumer.assignment())


def member():
    return GroupMember(
        KafkaConsumer(TOPIC, bootstrap_servers=BOOTSTRAP, group_id=GROUP, auto_offset_reset="earliest")
    )


def produce(numbers):
    codecs = [None, "gzip", "snappy", "lz4", "zstd"]
    share = len(numbers) // len(codecs)
    for n, codec in enumerate(codecs):
        producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, compression_type=codec)
        for i in numbers[n * share : (n + 1) * share]:
            producer.send(TOPIC, key=key(i), value=value(i), headers=[("n", header(i))])
        producer.flush()
        producer.close()


def read(topic, count, **options):
    """What partition 0 of the topic holds; one more poll sees that it is all."""
    consumer = KafkaConsumer(bootstrap_servers=BOOTSTRAP, **options)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    records = []

    def enough():
        records.extend(r for batch in consumer.poll(timeout_ms=1000).values() for r in batch)
        return len(records) >= count

    wait(f"{count} records of {topic}", enough)
    records += [r for batch in consumer.poll(timeout_ms=500).values() for r in batch]
    consumer.close()
    return [r.value for r in records]


with step("topic"):
    admin.create_topics({TOPIC: {"num_partitions": 3}, OTHER: {"num_partitions": 1}, name("out"): {"num_partitions": 1}})
    admin.wait_for_topics([TOPIC, OTHER, name("out")])
    (topic,) = admin.describe_topics([TOPIC])
    equal(len(topic["partitions"]), 3, "partitions")
    admin.create_partitions({OTHER: 2})
    wait("two partitions", lambda: len(admin.describe_topics([OTHER])[0]["partitions"]) == 2)

with step("group"):

    def look():
        described = admin.describe_groups([GROUP])[GROUP]
        equal((described["group_state"], len(described["members"])), ("Stable", 2), "the group")

    group_of_three(member, produce, look)

with step("groups"):
    assert GROUP in [g["group_id"] for g in admin.list_groups()]
    offsets = admin.list_group_offsets({GROUP: None})[GROUP]
    equal(sum(o.offset for o in offsets.values()), 1450, "committed")
    admin.delete_groups([GROUP])
    assert GROUP not in [g["group_id"] for g in admin.list_groups()]

with step("offsets"):
    start = int(time.time() * 1000) - 3_600_000
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    for i in range(10):
        producer.send(OTHER, partition=0, value=value(i), timestamp_ms=start + i * 1000)
    producer.flush()
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=BOOTSTRAP)
    tp = TopicPartition(OTHER, 0)
    equal(consumer.offsets_for_times({tp: start + 4500})[tp].offset, 5, "offset at 4.5 s")
    equal(consumer.offsets_for_times({tp: start + 10_000})[tp], None, "offset after the last")
    equal((consumer.beginning_offsets([tp])[tp], consumer.end_offsets([tp])[tp]), (0, 10), "ends")

with step("delete-records"):
    admin.delete_records({tp: 4})
    equal(consumer.beginning_offsets([tp])[tp], 4, "first offset")
    equal(read(OTHER, 6, auto_offset_reset="earliest"), [value(i) for i in range(4, 10)], "what is left")
    consumer.close()

with step("transactions"):
    out = name("out")
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=name("tx"))
    producer.init_transactions()
    for numbers, end in [(range(10), producer.commit_transaction), (range(10, 20), producer.abort_transaction)]:
        producer.begin_transaction()
        for i in numbers:
            producer.send(out, partition=0, value=value(i))
        producer.flush()
        end()
    equal(read(out, 10, isolation_level="read_committed"), [value(i) for i in range(10)], "committed")
    equal(read(out, 20), [value(i) for i in range(20)], "all")
    consumer = KafkaConsumer(OTHER, bootstrap_servers=BOOTSTRAP, group_id=GROUP, auto_offset_reset="earliest", enable_auto_commit=False)
    records = []

    def six():
        records.extend(r for batch in consumer.poll(timeout_ms=1000).values() for r in batch)
        return len(records) >= 6

    wait("input", six)
    producer.begin_transaction()
    for record in records:
        producer.send(out, partition=0, value=b"new " + record.value)
    position = {tp: OffsetAndMetadata(10, "", -1)}
    producer.send_offsets_to_transaction(position, consumer.group_metadata())
    producer.commit_transaction()
    # The answer to the commit may come before the marker is in the offsets.
    wait("offsets committed with the transaction", lambda: consumer.committed(tp) == 10)
    consumer.close()
    producer.close()
    equal(
        read(out, 16, isolation_level="read_committed")[10:],
        [b"new " + value(i) for i in range(4, 10)],
        "transformed",
    )

with step("configs"):
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"retention.ms": "123456789"})])

    def configured():
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC)])
        return "123456789" in repr(found)

    wait("the new retention", configured)

with step("delete"):
    admin.delete_topics([TOPIC, OTHER, out])
    wait("the topics are gone", lambda: not {TOPIC, OTHER, out} & set(admin.list_topics()))
    try:
        admin.delete_topics([TOPIC])
        raise AssertionError("deleted twice")
    except UnknownTopicOrPartitionError:
        pass
    admin.close()
