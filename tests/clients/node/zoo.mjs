// What the Node programs share: steps with their time, the records and their check.

import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

export const bootstrap = process.env.BOOTSTRAP
const run = process.env.RUN
const keys = 50
const patience = 60_000

export const name = what => `${run}-${what}`
export const key = i => `k${i % keys}`
export const value = i => `value ${i}`
export const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i)

const show = it => JSON.stringify(it, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)).slice(0, 2000)

export function equal(found, wanted, what) {
  if (!isDeepStrictEqual(found, wanted)) throw new Error(`${what}: ${show(found)} instead of ${show(wanted)}`)
}

// Prints `step NAME SECONDS`, which run.sh reads; an error ends the program.
export async function step(what, body) {
  const start = performance.now()
  const seconds = () => ((performance.now() - start) / 1000).toFixed(1)
  try {
    await body()
  } catch (error) {
    console.log(`step ${what} FAILED after ${seconds()} s`)
    console.error(error)
    process.exit(1)
  }
  console.log(`step ${what} ${seconds()}`)
}

export async function wait(what, condition) {
  const deadline = performance.now() + patience
  let result
  while (!(result = await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${patience / 1000} s: ${what}`)
    await sleep(50)
  }
  return result
}

// Calls `body` with each codec and its share of the numbers.
export async function shares(numbers, codecs, body) {
  const size = numbers.length / codecs.length
  for (const [n, codec] of codecs.entries()) await body(codec, numbers.slice(n * size, (n + 1) * size))
}

// Records are { key, value, header }: exactly `numbers`, in order for each key.
export function check(records, numbers) {
  const seen = records.map(r => Number(r.value.replace('value ', '')))
  const wanted = new Set(numbers)
  const missing = numbers.filter(i => !seen.includes(i))
  const extra = seen.filter((i, n) => !wanted.has(i) || seen.indexOf(i) !== n)
  equal([missing, extra], [[], []], 'records that are missing, or once too many')
  const last = new Map()
  for (const [n, record] of records.entries()) {
    equal([record.key, record.header], [key(seen[n]), `${seen[n]}`], 'key and header')
    if ((last.get(record.key) ?? -1) > seen[n]) throw new Error(`${record.key}: ${seen[n]} after ${last.get(record.key)}`)
    last.set(record.key, seen[n])
  }
}

// True when every member has something, and each partition one owner.
const sharedOut = members =>
  members.every(m => m.assignment.length > 0) && `${members.flatMap(m => m.assignment).sort()}` === '0,1,2'

// Two members, a third joins, one leaves, and a new one resumes from the commit.
// A member has `records` (committed ones), `assignment`, and `close()`.
export async function groupOfThree(start, produce, look) {
  let members = [await start(), await start()]
  const read = async numbers => {
    for (const member of members) member.records.length = 0
    await produce(numbers)
    await wait(`${numbers.length} records`, () => members.flatMap(m => m.records).length >= numbers.length)
    check(members.flatMap(m => m.records), numbers)
  }
  await wait('two members share the topic', () => sharedOut(members))
  await read(range(0, 1000))
  members.push(await start())
  await wait('three members share the topic', () => sharedOut(members))
  await read(range(1000, 1300))
  await members.shift().close()
  await wait('the two that stay share the topic', () => sharedOut(members))
  await read(range(1300, 1400))
  await look()
  for (const member of members) await member.close()
  await produce(range(1400, 1500))
  members = [await start()]
  await wait('100 records', () => members[0].records.length >= 100)
  check(members[0].records, range(1400, 1500))
  await members[0].close()
}
