// KafkaJS: gzip of its own, Snappy from kafkajs-snappy.

import kafkajs from 'kafkajs'
import SnappyCodec from 'kafkajs-snappy'
import { bootstrap, equal, groupOfThree, key, name, range, shares, step, value, wait } from './zoo.mjs'

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec

const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR })
const [topic, other, out, group] = ['topic', 'other', 'out', 'group'].map(name)
const admin = kafka.admin()

async function member() {
  const consumer = kafka.consumer({ groupId: group })
  const self = { records: [], assignment: [], close: () => consumer.disconnect() }
  consumer.on(consumer.events.GROUP_JOIN, e => (self.assignment = e.payload.memberAssignment[topic] ?? []))
  consumer.on(consumer.events.REBALANCING, () => (self.assignment = []))
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, uncommittedOffsets }) => {
      resolveOffset(batch.lastOffset())
      await commitOffsetsIfNecessary(uncommittedOffsets())
      for (const m of batch.messages) {
        self.records.push({ key: `${m.key}`, value: `${m.value}`, header: `${m.headers.n}` })
      }
    }
  })
  return self
}

async function produce(numbers) {
  const codecs = [CompressionTypes.None, CompressionTypes.GZIP, CompressionTypes.Snappy, CompressionTypes.GZIP]
  await shares(numbers, codecs, async (compression, share) => {
    const producer = kafka.producer({ idempotent: compression !== CompressionTypes.None })
    await producer.connect()
    const messages = share.map(i => ({ key: key(i), value: value(i), headers: { n: `${i}` } }))
    await producer.send({ topic, compression, messages })
    await producer.disconnect()
  })
}

// What partition 0 of the topic holds; `last` is the offset of its last record.
async function read(from, last, readUncommitted, groupId = name(`read-${Math.random()}`)) {
  const consumer = kafka.consumer({ groupId, readUncommitted })
  const values = []
  let end = -1
  await consumer.connect()
  await consumer.subscribe({ topic: from, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      if (partition !== 0) return
      values.push(`${message.value}`)
      end = Number(message.offset)
    }
  })
  await wait(`offset ${last} of ${from}`, () => end >= last)
  await consumer.disconnect()
  return values
}

await step('topic', async () => {
  await admin.connect()
  const topics = [
    { topic, numPartitions: 3 },
    { topic: other, numPartitions: 1 },
    { topic: out, numPartitions: 1 }
  ]
  equal(await admin.createTopics({ topics, waitForLeaders: true }), true, 'created')
  const found = await admin.fetchTopicMetadata({ topics: [topic] })
  equal(found.topics[0].partitions.length, 3, 'partitions')
  equal(await admin.createTopics({ topics }), false, 'created again')
  await admin.createPartitions({ topicPartitions: [{ topic: other, count: 2 }] })
})

await step('group', () =>
  groupOfThree(member, produce, async () => {
    const [found] = (await admin.describeGroups([group])).groups
    equal([found.state, found.members.length], ['Stable', 2], 'the group')
  })
)

await step('groups', async () => {
  const listed = async () => (await admin.listGroups()).groups.some(g => g.groupId === group)
  equal(await listed(), true, 'listed')
  const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  equal(offsets.partitions.reduce((sum, p) => sum + Number(p.offset), 0), 1500, 'committed')
  await admin.deleteGroups([group])
  equal(await listed(), false, 'listed after its end')
})

await step('offsets', async () => {
  const start = Date.now() - 3_600_000
  const producer = kafka.producer()
  await producer.connect()
  const messages = range(0, 10).map(i => ({ partition: 0, value: value(i), timestamp: `${start + i * 1000}` }))
  await producer.send({ topic: other, messages })
  await producer.disconnect()
  const at = async time => (await admin.fetchTopicOffsetsByTimestamp(other, time)).find(p => p.partition === 0).offset
  equal(await at(start + 4500), '5', 'offset at 4.5 s')
  // KafkaJS puts the end in the place of "none".
  equal(await at(start + 10_000), '10', 'offset after the last')
  await admin.deleteTopicRecords({ topic: other, partitions: [{ partition: 0, offset: '4' }] })
  const ends = (await admin.fetchTopicOffsets(other)).find(p => p.partition === 0)
  equal([ends.low, ends.high], ['4', '10'], 'ends')
  equal(await read(other, 9), range(4, 10).map(value), 'what is left')
})

await step('transactions', async () => {
  const producer = kafka.producer({ transactionalId: name('tx'), maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  const send = (to, values) => to.send({ topic: out, messages: values.map(v => ({ partition: 0, value: v })) })
  const first = await producer.transaction()
  await send(first, range(0, 10).map(value))
  await first.commit()
  const second = await producer.transaction()
  await send(second, range(10, 20).map(value))
  await second.abort()
  const third = await producer.transaction()
  await send(third, ['transformed'])
  await third.sendOffsets({ consumerGroupId: group, topics: [{ topic: other, partitions: [{ partition: 0, offset: '10' }] }] })
  await third.commit()
  await producer.disconnect()
  // Offsets 10 and 21 are markers.
  equal(await read(out, 22), [...range(0, 10).map(value), 'transformed'], 'committed')
  equal(await read(out, 22, true), [...range(0, 20).map(value), 'transformed'], 'all')
  await wait('offsets committed with the transaction', async () => {
    const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [other] })
    return offsets.partitions.find(p => p.partition === 0).offset === '10'
  })
})

await step('configs', async () => {
  const resource = { type: ConfigResourceTypes.TOPIC, name: topic }
  const configEntries = [{ name: 'retention.ms', value: '123456789' }]
  await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] })
  await wait('the new retention', async () => {
    const { resources } = await admin.describeConfigs({ resources: [resource] })
    return resources[0].configEntries.find(e => e.configName === 'retention.ms').configValue === '123456789'
  })
})

await step('delete', async () => {
  await admin.deleteTopics({ topics: [topic, other, out] })
  await wait('the topics are gone', async () => !(await admin.listTopics()).some(t => [topic, other, out].includes(t)))
  await admin.disconnect()
})
