"""aiokafka. It is asynchronous: `run` drives what the main thread does, a member has its own loop."""

import asyncio
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from zoo import BOOTSTRAP, PATIENCE, Member, equal, group_of_three, header, key, name, step, value

TOPIC, OTHER, OUT, GROUP = name("topic"), name("other"), name("out"), name("group")
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
run = loop.run_until_complete


class GroupMember(Member):
    def __init__(self):
        super().__init__(None)

    def run(self):
        try:
            asyncio.run(self.main())
        except BaseException as error:
            self.error = error
            raise

    async def main(self):
        consumer = AIOKafkaConsumer(
            TOPIC, bootstrap_servers=BOOTSTRAP, group_id=GROUP, auto_offset_reset="earliest"
        )
        await consumer.start()
        while not self.ended.is_set():
            polled = await consumer.getmany(timeout_ms=100)
            records = [(r.key, r.value, r.headers[0][1]) for batch in polled.values() for r in batch]
            if records:
                await consumer.commit()
                self.records += records
            self.assignment = tuple(p.partition for p in consumer.assignment())
        await consumer.stop()


async def until(what, condition):
    """Waits until the coroutine function gives something true."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.05)


async def produce(numbers):
    codecs = [None, "gzip", "snappy", "lz4", "zstd"]
    share = len(numbers) // len(codecs)
    for n, codec in enumerate(codecs):
        producer = AIOKafkaProducer(
            bootstrap_servers=BOOTSTRAP, compression_type=codec, enable_idempotence=n % 2 == 0
        )
        await producer.start()
        for i in numbers[n * share : (n + 1) * share]:
            await producer.send(TOPIC, key=key(i), value=value(i), headers=[("n", header(i))])
        await producer.stop()


async def read(topic, count, isolation="read_committed"):
    """What partition 0 of the topic holds; one more fetch sees that it is all."""
    consumer = AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP, isolation_level=isolation)
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    await consumer.seek_to_beginning()
    records = []
    async with asyncio.timeout(PATIENCE):
        while len(records) < count:
            records.append(await consumer.getone())
    records += [r for batch in (await consumer.getmany(timeout_ms=500)).values() for r in batch]
    await consumer.stop()
    return [r.value for r in records]


async def topic(admin):
    await admin.create_topics([NewTopic(TOPIC, 3, 1), NewTopic(OTHER, 1, 1), NewTopic(OUT, 1, 1)])

    async def partitions():
        (found,) = await admin.describe_topics([TOPIC])
        return len(found["partitions"]) == 3

    await until("metadata", partitions)
    await admin.create_partitions({OTHER: NewPartitions(2)})


def look():
    async def described():
        # Without its coordinator the call asks every broker it knows.
        (answer,) = await admin.describe_consumer_groups([GROUP])
        (found,) = answer.groups
        return found[2], len(found[5])

    equal(run(described()), ("Stable", 2), "the group")


async def groups(admin):
    assert GROUP in [g[0] for g in await admin.list_consumer_groups()]
    offsets = await admin.list_consumer_group_offsets(GROUP)
    equal(sum(o.offset for o in offsets.values()), 1450, "committed")


async def offsets(admin):
    start = int(time.time() * 1000) - 3_600_000
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP)
    await producer.start()
    for i in range(10):
        await producer.send(OTHER, partition=0, value=value(i), timestamp_ms=start + i * 1000)
    await producer.stop()
    tp = TopicPartition(OTHER, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP)
    await consumer.start()
    equal((await consumer.offsets_for_times({tp: start + 4500}))[tp].offset, 5, "offset at 4.5 s")
    equal((await consumer.offsets_for_times({tp: start + 10_000}))[tp], None, "offset after the last")
    equal((await consumer.beginning_offsets([tp]), await consumer.end_offsets([tp])), ({tp: 0}, {tp: 10}), "ends")
    await admin.delete_records({tp: RecordsToDelete(4)})
    equal(await consumer.beginning_offsets([tp]), {tp: 4}, "first offset")
    await consumer.stop()
    equal(await read(OTHER, 6), [value(i) for i in range(4, 10)], "what is left")


async def transactions():
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=name("tx"))
    await producer.start()
    for numbers, end in [(range(10), producer.commit_transaction), (range(10, 20), producer.abort_transaction)]:
        await producer.begin_transaction()
        for i in numbers:
            await producer.send_and_wait(OUT, partition=0, value=value(i))
        await end()
    equal(await read(OUT, 10), [value(i) for i in range(10)], "committed")
    equal(await read(OUT, 20, "read_uncommitted"), [value(i) for i in range(20)], "all")
    consumer = AIOKafkaConsumer(
        OTHER, bootstrap_servers=BOOTSTRAP, group_id=GROUP, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    tp = TopicPartition(OTHER, 0)
    async with producer.transaction():
        for _ in range(6):
            record = await asyncio.wait_for(consumer.getone(), PATIENCE)
            await producer.send(OUT, partition=0, value=b"new " + record.value)
        await producer.send_offsets_to_transaction({tp: 10}, GROUP)

    async def committed():
        return await consumer.committed(tp) == 10

    await until("offsets committed with the transaction", committed)
    await consumer.stop()
    await producer.stop()
    equal((await read(OUT, 16))[10:], [b"new " + value(i) for i in range(4, 10)], "transformed")


async def configs(admin):
    resource = ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"retention.ms": "123456789"})
    await admin.alter_configs([resource])

    async def described():
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC)])
        return {entry[0]: entry[1] for entry in answer.resources[0][4]}["retention.ms"] == "123456789"

    await until("the new retention", described)


async def delete(admin):
    await admin.delete_topics([TOPIC, OTHER, OUT])

    async def gone():
        return not {TOPIC, OTHER, OUT} & set(await admin.list_topics())

    await until("the topics are gone", gone)
    await admin.close()


async def connect():
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await admin.start()
    return admin


with step("topic"):
    admin = run(connect())
    run(topic(admin))
with step("group"):
    group_of_three(GroupMember, lambda numbers: run(produce(numbers)), look)
with step("groups"):
    run(groups(admin))
with step("offsets"):
    run(offsets(admin))
with step("transactions"):
    run(transactions())
with step("configs"):
    run(configs(admin))
with step("delete"):
    run(delete(admin))
