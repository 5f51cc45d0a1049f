import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EngineError } from '@longtake/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type NaiveJob, type NaiveLimits, NaiveQueue } from '../test/naive-queue.js'
import { type JobEvent, type JobQueue, openQueue } from './index.js'

/** The queue under test, with handlers that end when they are told to. */
class Real {
  queue!: JobQueue
  readonly ids: string[] = []
  readonly handlers = new Map<number, { done(): void; lose(): void }>()
  readonly ends = new Map<number, string[]>()
  readonly limits: NaiveLimits
  readonly folder: string | undefined

  constructor(limits: NaiveLimits, folder: string | undefined) {
    this.limits = limits
    this.folder = folder
  }

  async open(): Promise<void> {
    const { mostQueued, mostRunningPerKey, concurrency } = this.limits
    const options = { mostQueued, mostRunningPerKey, mostAttempts: 2 }
    this.queue = await openQueue(this.folder === undefined ? options : { ...options, folder: this.folder })
    this.queue.work(
      ({ job, signal }) =>
        new Promise((resolve, reject) => {
          const name = job as number
          const settle = (end: () => void) => () => {
            this.handlers.delete(name)
            end()
          }
          this.handlers.set(name, {
            done: settle(() => resolve(name)),
            lose: settle(() => reject(new EngineError('ENGINE_FAILED', 'Lost.'))),
          })
          signal.addEventListener(
            'abort',
            settle(() => reject(signal.reason)),
          )
        }),
      { concurrency },
    )
  }

  /** Counts the ends that a watcher is told. */
  watch(name: number): void {
    const ends: string[] = []
    this.ends.set(name, ends)
    const read = async (): Promise<void> => {
      for await (const event of this.queue.watch(this.ids[name] as string)) {
        if (isEnd(event)) ends.push(event.type)
      }
    }
    read().catch(() => {})
  }
}

/** For a slow disk. */
const PATIENCE_MS = 10_000

const isEnd = ({ type }: JobEvent): boolean => type === 'done' || type === 'failed' || type === 'cancelled'

type Command = fc.AsyncCommand<NaiveQueue, Real>

const command = (name: string, run: (model: NaiveQueue, real: Real) => Promise<void>): Command => ({
  check: () => true,
  toString: () => name,
  run: async (model, real) => {
    await run(model, real)
    model.fill()
    await agree(model, real)
  },
})

/** Everything that can be asked of the queue is as the model says. */
async function agree(model: NaiveQueue, real: Real): Promise<void> {
  const running = model
    .in('running')
    .map(({ name }) => name)
    .sort()
  const until = Date.now() + PATIENCE_MS
  while (String([...real.handlers.keys()].sort()) !== String(running) && Date.now() < until) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect([...real.handlers.keys()].sort()).toEqual(running)
  const order = model.order()
  for (const job of model.jobs) {
    const status = await real.queue.status(real.ids[job.name] as string)
    const { state, position, attempts } = status
    const expected = { state: job.state, position: order.indexOf(job) + 1, attempts: job.attempts }
    expect({ state, position, attempts }, `job ${job.name}`).toEqual(expected)
  }
  const queued = model.in('queued').length
  expect(await real.queue.stats()).toMatchObject({ queued, running: running.length })
}

const pick = (jobs: readonly NaiveJob[], index: number): NaiveJob | undefined =>
  jobs[index % Math.max(1, jobs.length)]

const submit = fc
  .record({ key: fc.constantFrom('a', 'b', 'c', 'd'), priority: fc.nat(2) })
  .map(({ key, priority }) =>
    command(`submit ${key}${priority}`, async (model, real) => {
      const options = { key, priority, idempotencyKey: `${model.jobs.length}` }
      if (!model.accepts(key)) {
        await expect(real.queue.submit(model.jobs.length, options)).rejects.toMatchObject({
          code: 'JOBS_FULL',
        })
        return
      }
      const job = model.submit(key, priority)
      const position = model.order().indexOf(job) + 1
      const accepted = await real.queue.submit(job.name, options)
      real.ids[job.name] = accepted.id
      expect(accepted).toMatchObject({ position, existing: false })
      real.watch(job.name)
      const again = await real.queue.submit(job.name, options)
      expect([again.id, again.existing]).toEqual([accepted.id, true])
    }),
  )

const finish = fc.nat().map((index) =>
  command(`finish ${index}`, async (model, real) => {
    const job = pick(model.in('running'), index)
    if (!job) return
    real.handlers.get(job.name)?.done()
    expect(await real.queue.result(real.ids[job.name] as string)).toBe(job.name)
    model.end(job, 'done')
  }),
)

const lose = fc.nat().map((index) =>
  command(`lose ${index}`, async (model, real) => {
    const job = pick(model.in('running'), index)
    if (!job) return
    real.handlers.get(job.name)?.lose()
    if (job.attempts >= 2) await real.queue.result(real.ids[job.name] as string).catch(() => {})
    model.lose(job)
  }),
)

const cancel = fc.nat().map((index) =>
  command(`cancel ${index}`, async (model, real) => {
    const job = pick(model.jobs, index)
    if (!job) return
    const hasEnded = job.state !== 'queued' && job.state !== 'running'
    expect(await real.queue.cancel(real.ids[job.name] as string)).toBe(!hasEnded)
    if (!hasEnded) model.end(job, 'cancelled')
  }),
)

const restart = fc.constant(
  command('restart', async (model, real) => {
    await real.queue.close()
    expect(real.handlers.size).toBe(0)
    await real.open()
    model.restart()
    for (const job of model.jobs) if (job.state === 'queued') real.watch(job.name)
  }),
)

const limits = fc.record({
  mostQueued: fc.integer({ min: 4, max: 12 }),
  mostRunningPerKey: fc.constantFrom(1, 2),
  concurrency: fc.integer({ min: 1, max: 3 }),
})

async function play(
  limits: NaiveLimits,
  commands: Iterable<Command>,
  folder: string | undefined,
): Promise<void> {
  const model = new NaiveQueue(limits)
  const real = new Real(limits, folder)
  await real.open()
  try {
    await fc.asyncModelRun(() => ({ model, real }), commands)
    // What is left runs to its end; every job has one.
    for (let job = model.in('running')[0]; job !== undefined; job = model.in('running')[0]) {
      real.handlers.get(job.name)?.done()
      await real.queue.result(real.ids[job.name] as string)
      model.end(job, 'done')
      model.fill()
      await agree(model, real)
    }
    const ended = model.jobs.map(({ name, state }) => [name, state])
    const told = model.jobs.map(({ name }) => [name, ...(real.ends.get(name) ?? [])])
    expect(told).toEqual(ended)
  } finally {
    await real.queue.close()
  }
}

test('whatever is done to a queue, positions, states and ends are those of a naive one', async () => {
  const commands = fc.commands([submit, submit, submit, finish, lose, cancel], { maxCommands: 60 })
  await fc.assert(
    fc.asyncProperty(limits, commands, (limits, commands) => play(limits, commands, undefined)),
    { numRuns: 300 },
  )
})

test('and so they are where the queue is closed and opened again in between', async () => {
  const commands = fc.commands([submit, submit, submit, finish, lose, cancel, restart], { maxCommands: 40 })
  await fc.assert(
    fc.asyncProperty(limits, commands, async (limits, commands) => {
      const folder = await mkdtemp(join(tmpdir(), 'longtake-jobs-'))
      try {
        await play(limits, commands, folder)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    }),
    { numRuns: 40 },
  )
})
