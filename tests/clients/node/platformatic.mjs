// @platformatic/kafka: both group protocols.

import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { bootstrap, equal, groupOfThree, key, name, range, shares, step, value, wait } from './zoo.mjs'

const [topic, next, other, out, group] = ['topic', 'next', 'other', 'out', 'group'].map(name)
const base = { clientId: 'platformatic', bootstrapBrokers: [bootstrap] }
const admin = new Admin(base)
const topicResource = 2
const readUncommitted = 0

const newConsumer = (groupId, options = {}) =>
  new Consumer({ ...base, groupId, deserializers: stringDeserializers, autocommit: false, ...options })
const newProducer = (options = {}) => new Producer({ ...base, serializers: stringSerializers, ...options })

const member = (topic, groupId, options) => async () => {
  const consumer = newConsumer(groupId, options)
  // A fetch under way when partitions are taken away still gives their records:
  // an assignment counts once it has answered.
  let fetched = false
  const self = {
    records: [],
    get assignment() {
      return fetched ? (consumer.assignments ?? []).flatMap(a => a.partitions) : []
    },
    close: () => consumer.close(true)
  }
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
  consumer.on('consumer:group:join', () => (fetched = false))
  stream.on('fetch', () => (fetched = true))
  const read = async () => {
    for await (const message of stream) {
      await message.commit()
      self.records.push({ key: message.key, value: message.value, header: message.headers.get('n') })
    }
  }
  read().catch(error => {
    console.error(error)
    process.exit(1)
  })
  return self
}

const produce = topic => numbers =>
  shares(numbers, ['none', 'gzip', 'snappy', 'lz4', 'zstd'], async (compression, share) => {
    const producer = newProducer({ compression, idempotent: compression !== 'none' })
    await producer.send({ messages: share.map(i => ({ topic, key: key(i), value: value(i), headers: { n: `${i}` } })) })
    await producer.close()
  })

// What partition 0 of the topic holds; `last` is the offset of its last record.
async function read(topic, last, options) {
  const consumer = newConsumer(name(`read-${Math.random()}`), options)
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
  const values = []
  let end = -1
  stream.on('data', message => {
    if (message.partition !== 0) return
    values.push(message.value)
    end = Number(message.offset)
  })
  await wait(`offset ${last} of ${topic}`, () => end >= last)
  await consumer.close(true)
  return values
}

const look = group => async () => {
  const found = (await admin.describeGroups({ groups: [group] })).get(group)
  equal([found.state, found.members.size], ['Stable', 2], 'the group')
}

await step('topic', async () => {
  await admin.createTopics({ topics: [topic, next], partitions: 3, replicas: 1 })
  await admin.createTopics({ topics: [other, out], partitions: 1, replicas: 1 })
  const found = await wait('metadata', () => admin.metadata({ topics: [topic] }).catch(() => null))
  equal(found.topics.get(topic).partitionsCount, 3, 'partitions')
  await admin.createPartitions({ topics: [{ name: other, count: 2, assignments: null }] })
})

await step('group', () => groupOfThree(member(topic, group), produce(topic), look(group)))
await step('group-848', () =>
  groupOfThree(member(next, name('group-848'), { groupProtocol: 'consumer' }), produce(next), async () => {
    await wait('a stable group', async () => {
      const found = (await admin.listGroups({ types: ['consumer'] })).get(name('group-848'))
      return found.state === 'Stable' && found.groupType === 'consumer'
    })
  })
)

await step('groups', async () => {
  for (const groupId of [group, name('group-848')]) {
    equal((await admin.listGroups({ types: ['classic', 'consumer'] })).has(groupId), true, 'listed')
    const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
    const offsets = topics[0].partitions.map(p => Number(p.committedOffset))
    equal(offsets.reduce((a, b) => a + b), 1500, 'committed')
    await admin.deleteGroups({ groups: [groupId] })
    equal((await admin.listGroups({ types: ['classic', 'consumer'] })).has(groupId), false, 'listed after its end')
  }
})

await step('offsets', async () => {
  const start = BigInt(Date.now() - 3_600_000)
  const producer = newProducer()
  const messages = range(0, 10).map(i => ({ topic: other, partition: 0, value: value(i), timestamp: start + BigInt(i * 1000) }))
  await producer.send({ messages })
  await producer.close()
  const at = async timestamp => {
    const [found] = await admin.listOffsets({ topics: [{ name: other, partitions: [{ partitionIndex: 0, timestamp }] }] })
    return found.partitions[0].offset
  }
  equal(await at(start + 4500n), 5n, 'offset at 4.5 s')
  equal(await at(start + 10_000n), -1n, 'offset after the last')
  await admin.deleteRecords({ topics: [{ name: other, partitions: [{ partition: 0, offset: 4n }] }] })
  equal([await at(-2n), await at(-1n)], [4n, 10n], 'ends')
  equal(await read(other, 9), range(4, 10).map(value), 'what is left')
})

await step('transactions', async () => {
  const producer = newProducer({ idempotent: true, transactionalId: name('tx') })
  const messages = values => ({ messages: values.map(v => ({ topic: out, partition: 0, value: v })) })
  const first = await producer.beginTransaction()
  await first.send(messages(range(0, 10).map(value)))
  await first.commit()
  const second = await producer.beginTransaction()
  await second.send(messages(range(10, 20).map(value)))
  await second.abort()
  const third = await producer.beginTransaction()
  const consumer = newConsumer(group)
  const stream = await consumer.consume({ topics: [other], mode: 'committed', fallbackMode: 'earliest' })
  await third.addConsumer(consumer)
  let count = 0
  for await (const message of stream) {
    await third.send(messages([`new ${message.value}`]))
    await third.addOffset(message)
    if (++count === 6) break
  }
  await third.commit()
  await wait('offsets committed with the transaction', async () => {
    const committed = await consumer.listCommittedOffsets({ topics: [{ topic: other, partitions: [0] }] })
    return committed.get(other)[0] === 10n
  })
  await consumer.close(true)
  await producer.close()
  const transformed = range(4, 10).map(i => `new ${value(i)}`)
  // Offsets 10 and 21 are markers.
  equal(await read(out, 27), [...range(0, 10).map(value), ...transformed], 'committed')
  equal(await read(out, 27, { isolationLevel: readUncommitted }), [...range(0, 20).map(value), ...transformed], 'all')
})

await step('configs', async () => {
  const resource = { resourceType: topicResource, resourceName: topic }
  const configs = [{ name: 'retention.ms', configOperation: 0, value: '123456789' }]
  await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs }] })
  await wait('the new retention', async () => {
    const [found] = await admin.describeConfigs({ resources: [{ ...resource, configurationKeys: ['retention.ms'] }] })
    return found.configs[0].value === '123456789'
  })
})

await step('delete', async () => {
  await admin.deleteTopics({ topics: [topic, next, other, out] })
  await wait('the topics are gone', async () => !(await admin.listTopics()).some(t => [topic, other, out].includes(t)))
  await admin.close()
})
