import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type JobQueue, openQueue } from '@longtake/jobs'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { median, quantile } from './statistics.js'
import { formatMs, formatNumber, formatTable } from './table.js'

/** About what a question with a link and its options takes. */
const PAYLOAD = {
  question: 'What number is on the blue square?',
  video: `https://example.org/${'x'.repeat(800)}`,
}
const KEYS = 10
const FLUSHES = 200

/** Durable submissions to the queue of jobs, against the disk's own flush. */
export const jobs: Benchmark = {
  name: 'jobs',
  summary: 'the queue: submissions that are on disk, their latency, jobs through it, and opening it again',
  options: [
    '--jobs 2000       jobs in each measurement',
    '--clients 64      that submit at once',
    '--dir FOLDER      where the queue is put; default: the temporary folder',
  ],
  run: runJobs,
}

interface Side {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

async function runJobs(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, { jobs: 'text', clients: 'text', dir: 'text' })
  const count = given.integer('jobs', 2000, 10, 100_000)
  const clients = given.integer('clients', 64, 1, 4096)
  const folder = await mkdtemp(join(given.text('dir') ?? tmpdir(), 'longtake-jobs-'))
  try {
    note('the disk')
    const flushMs = await timeFlushes(join(folder, 'flushes'))
    note('one client')
    const alone = await timeSubmits(join(folder, 'alone'), Math.min(count, 500), 1)
    note(`${clients} clients`)
    const together = await timeSubmits(join(folder, 'together'), count, clients)
    const memory = await timeSubmits(undefined, count, clients)
    note('opening again')
    const { openMs, lost } = await timeOpening(join(folder, 'together'), count)
    note('jobs through')
    const through = await timeThrough(join(folder, 'through'), count, clients)
    const result = { jobs: count, clients, flushMs, alone, together, memory, through, openMs, lost }
    return { result, text: formatResult(result), failed: lost > 0 }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a kilobyte costs that is appended and flushed. */
async function timeFlushes(path: string): Promise<number> {
  const file = await open(path, 'w')
  const times: number[] = []
  const bytes = Buffer.alloc(1024)
  for (let round = 0; round < FLUSHES; round++) {
    const start = performance.now()
    await file.write(bytes, 0, bytes.length, round * bytes.length)
    await file.datasync()
    times.push(performance.now() - start)
  }
  await file.close()
  return median(times)
}

async function timeSubmits(folder: string | undefined, count: number, clients: number): Promise<Side> {
  const queue = await openFor(folder, count)
  const side = await timeClients(count, clients, async (number) => {
    await submit(queue, number)
  })
  await queue.close()
  return side
}

/** Submits, runs a handler that does nothing, and reads the result. */
async function timeThrough(folder: string, count: number, clients: number): Promise<Side> {
  const queue = await openFor(folder, count)
  queue.work(async () => 'answer', { concurrency: clients })
  const side = await timeClients(count, clients, async (number) => {
    await queue.result(await submit(queue, number))
  })
  await queue.close()
  return side
}

/** Opens a queue that was closed with jobs in it. */
async function timeOpening(folder: string, count: number): Promise<{ openMs: number; lost: number }> {
  const start = performance.now()
  const queue = await openFor(folder, count)
  const openMs = performance.now() - start
  const { queued } = await queue.stats()
  await queue.close()
  return { openMs, lost: count - queued }
}

async function timeClients(
  count: number,
  clients: number,
  work: (number: number) => Promise<void>,
): Promise<Side> {
  const times: number[] = []
  let next = 0
  const client = async (): Promise<void> => {
    while (next < count) {
      const start = performance.now()
      await work(next++)
      times.push(performance.now() - start)
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: clients }, client))
  const seconds = (performance.now() - start) / 1000
  return { perSecond: count / seconds, p50Ms: median(times), p99Ms: quantile(times, 0.99) }
}

function openFor(folder: string | undefined, count: number): Promise<JobQueue> {
  const options = { mostQueued: count, mostQueuedPerKey: count, mostQueuedBytes: 2 ** 30 }
  return openQueue(folder === undefined ? options : { ...options, folder })
}

async function submit(queue: JobQueue, number: number): Promise<string> {
  return (
    await queue.submit({ ...PAYLOAD, number }, { key: `key${number % KEYS}`, idempotencyKey: `${number}` })
  ).id
}

function formatResult(result: {
  readonly clients: number
  readonly flushMs: number
  readonly alone: Side
  readonly together: Side
  readonly memory: Side
  readonly through: Side
  readonly openMs: number
  readonly jobs: number
  readonly lost: number
}): string {
  const row = (name: string, { perSecond, p50Ms, p99Ms }: Side): string[] => [
    name,
    formatNumber(perSecond),
    formatMs(p50Ms),
    formatMs(p99Ms),
  ]
  const table = formatTable([
    ['', 'a second', 'p50', 'p99'],
    row('submit, one client', result.alone),
    row(`submit, ${result.clients} clients`, result.together),
    row('the same, in memory', result.memory),
    row('submit, run, result', result.through),
  ])
  const opening = `Opening with ${result.jobs} queued jobs: ${formatMs(result.openMs)}; ${result.lost} lost.`
  return `${table}\nOne flush of the disk: ${formatMs(result.flushMs)}. ${opening}`
}
