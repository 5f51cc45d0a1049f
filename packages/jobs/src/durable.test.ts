import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { isLongtakeError } from '@longtake/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type JobQueue, openQueue, type QueueOptions } from './index.js'

let folder = ''
const opened: JobQueue[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-jobs-'))
})

afterEach(async () => {
  vi.useRealTimers()
  for (const queue of opened.splice(0)) await queue.close()
  await rm(folder, { recursive: true, force: true })
})

async function open(options: QueueOptions = {}): Promise<JobQueue> {
  const queue = await openQueue({ folder, ...options })
  opened.push(queue)
  return queue
}

const log = () => join(folder, 'jobs.log')
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'fulfilled',
    (error: unknown) => (isLongtakeError(error) ? error.code : error),
  )

async function statesOf(queue: JobQueue, ids: readonly string[]): Promise<unknown[]> {
  return Promise.all(
    ids.map((id) =>
      queue.status(id).then(
        ({ state }) => state,
        () => 'missing',
      ),
    ),
  )
}

test('after a restart queued jobs are queued in order, ended ones keep their ends', async () => {
  const queue = await open()
  const submit = async (job: string) =>
    (await queue.submit(job, { key: job.charAt(0), idempotencyKey: job })).id
  const done = await submit('a0')
  const failed = await submit('a1')
  const worker = queue.work(async ({ job }) => {
    if (job === 'a1') throw new Error('no')
    return { answer: job }
  })
  await queue.result(done)
  await codeOf(queue.result(failed))
  await worker.close()
  const ids = []
  for (const job of ['b0', 'b1', 'c0', 'c1']) ids.push(await submit(job))
  const cancelled = await submit('c2')
  await queue.cancel(cancelled)
  const before = await queue.status(done)
  await queue.close()
  // One log, and no lock.
  expect(await readdir(folder)).toEqual(['jobs.log'])

  const again = await open()
  expect(await statesOf(again, [done, failed, cancelled, ...ids])).toEqual([
    'done',
    'failed',
    'cancelled',
    'queued',
    'queued',
    'queued',
    'queued',
  ])
  const { event, ...status } = await again.status(done)
  expect({ ...status, event: before.event }).toEqual(before)
  // Events go on growing, so that a client that comes back misses nothing.
  expect(event).toBeGreaterThan(before.event)
  expect(await again.result(done)).toEqual({ answer: 'a0' })
  expect(await again.submit('b1', { key: 'b', idempotencyKey: 'b1' })).toMatchObject({
    id: ids[1],
    existing: true,
  })
  expect(await codeOf(again.submit('x', { key: 'a', idempotencyKey: 'a0' }))).toBe('JOB_CONFLICT')
  const order: unknown[] = []
  again.work(async ({ job }) => {
    order.push(job)
    return null
  })
  await Promise.all(ids.map((id) => again.result(id)))
  expect(order).toEqual(['b0', 'c0', 'b1', 'c1'])
})

test('ended jobs of the folder are forgotten by time and number too', async () => {
  const queue = await open()
  queue.work(async ({ job }) => job)
  const ids = []
  for (let job = 0; job < 5; job++) {
    const { id } = await queue.submit(job, { key: 'a' })
    await queue.result(id)
    ids.push(id)
  }
  await queue.close()
  const few = await open({ keepCount: 2 })
  expect(await statesOf(few, ids)).toEqual(['missing', 'missing', 'missing', 'done', 'done'])
  await few.close()
  expect(await statesOf(await open({ keepMs: 0 }), ids)).toEqual(Array(5).fill('missing'))
})

test('draining hands running jobs back without counting the attempt', async () => {
  const queue = await open()
  const running = (await queue.submit('slow', { key: 'a' })).id
  const queued = (await queue.submit('next', { key: 'a' })).id
  const reasons: unknown[] = []
  let isCalled = false
  queue.work(
    ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason.code)
          reject(signal.reason)
        })
        isCalled = true
      }),
  )
  const watch = queue.result(running)
  const lost = codeOf(watch)
  // A job counts as running before its handler is called.
  await vi.waitFor(() => expect(isCalled).toBe(true))
  expect(await queue.drain({ timeoutMs: 1 })).toEqual({ queued: 1, handedBack: 1 })
  expect([await lost, ...reasons]).toEqual(['JOBS_CLOSED', 'JOBS_CLOSED'])
  const again = await open({ mostAttempts: 1 })
  const attempts: unknown[] = []
  again.work(async ({ job, attempt }) => {
    attempts.push([job, attempt])
    return 'answer'
  })
  expect(await Promise.all([again.result(running), again.result(queued)])).toEqual(['answer', 'answer'])
  expect(attempts).toEqual([
    ['slow', 1],
    ['next', 1],
  ])
})

test('a log that is cut at any byte has every record before the cut', async () => {
  const queue = await open()
  const sizes: number[] = []
  const ids: string[] = []
  for (const job of ['kept', 'é"']) {
    ids.push((await queue.submit(job, { key: 'a' })).id)
    sizes.push((await stat(log())).size)
  }
  await queue.cancel(ids[0] as string)
  await queue.close()
  const whole = await readFile(log())
  const [first = 0, second = 0] = sizes
  for (let cut = first; cut <= whole.length; cut++) {
    await writeFile(log(), whole.subarray(0, cut))
    // Half of them with what a system may leave after a loss of power.
    if (cut % 2 === 1) await truncate(log(), cut + 100)
    const reopened = await openQueue({ folder })
    const states = await statesOf(reopened, ids)
    await reopened.close()
    const expected = [cut === whole.length ? 'cancelled' : 'queued', cut >= second ? 'queued' : 'missing']
    expect(states, `cut at ${cut}`).toEqual(expected)
  }
  expect(await readdir(folder)).toEqual(['jobs.log'])
}, 180_000)

test('a deadline that passes while nothing runs ends the job when the folder is opened', async () => {
  const queue = await open()
  const { id } = await queue.submit(1, { key: 'a', deadlineMs: 60_000 })
  await queue.close()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_001 })
  const again = await open()
  await expect(again.result(id)).rejects.toMatchObject({ code: 'JOB_EXPIRED' })
})

test('a process whose folder was taken over while it slept writes and tells nothing more', async () => {
  const queue = await open()
  const { id } = await queue.submit('running', { key: 'a' })
  const waiting = (await queue.submit('waiting', { key: 'a' })).id
  const started: unknown[] = []
  let finish = (): void => {}
  queue.work(({ job }) => {
    started.push(job)
    return new Promise((resolve) => {
      finish = () => resolve('too late')
    })
  })
  await vi.waitFor(() => expect(started).toEqual(['running']))
  const before = await readFile(log(), 'utf8')
  await writeFile(join(folder, 'jobs.lock'), '1 elsewhere token')
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 })
  expect(await codeOf(queue.submit('new', { key: 'a' }))).toBe('JOBS_LOCKED')
  const told = codeOf(queue.result(waiting))
  finish()
  expect(await told).toBe('JOBS_LOCKED')
  expect((await queue.status(id)).state).toBe('running')
  await queue.close()
  expect(started).toEqual(['running'])
  expect(await readFile(log(), 'utf8')).toBe(before)
  expect(await readFile(join(folder, 'jobs.lock'), 'utf8')).toBe('1 elsewhere token')
})

test('a flipped bit costs the record that it is in, and a copy of the log is kept', async () => {
  const queue = await open()
  const ids = []
  for (let job = 0; job < 3; job++) ids.push((await queue.submit(job, { key: 'a' })).id)
  await queue.close()
  const whole = await readFile(log())
  const line = whole.indexOf(ids[1] as string)
  whole[line] = 'J'.charCodeAt(0)
  await writeFile(log(), whole)
  const again = await open()
  expect(await statesOf(again, ids)).toEqual(['queued', 'missing', 'queued'])
  const [copy = ''] = (await readdir(folder)).filter((name) => name.startsWith('jobs.log.damaged-'))
  expect(await readFile(join(folder, copy))).toEqual(whole)
  await again.close()
  const untouched = await open()
  expect((await readdir(folder)).filter((name) => name.includes('damaged')).length).toBe(1)
  expect((await untouched.submit(1, { key: 'a' })).position).toBe(3)
})

test('folders that are no queue, or of another version, are refused and left alone', async () => {
  await writeFile(log(), 'x'.repeat(3 << 20))
  const empty = await openQueue({ folder })
  expect((await empty.stats()).queued).toBe(0)
  await empty.close()
  const content = await readFile(log(), 'utf8')
  const { createHash } = await import('node:crypto')
  const json = content.slice(17).trim().replace('"format":1', '"format":2')
  await writeFile(log(), `${createHash('sha256').update(json).digest('hex').slice(0, 16)} ${json}\n`)
  await expect(openQueue({ folder })).rejects.toMatchObject({ code: 'JOBS_STORE', message: /newer version/ })
  await rm(log())
  await writeFile(join(folder, 'file'), '')
  expect(await codeOf(openQueue({ folder: join(folder, 'file', 'below') }))).toBe('JOBS_STORE')
  expect((await readdir(folder)).sort()).toEqual(['file'])
})

test('one queue has a folder; a second waits for it or is refused', async () => {
  const queue = await open()
  await expect(openQueue({ folder })).rejects.toMatchObject({
    code: 'JOBS_LOCKED',
    message: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
  })
  const waiting = open({ lockWaitMs: 60_000 })
  const { id } = await queue.submit(1, { key: 'a' })
  await queue.close()
  expect((await (await waiting).status(id)).state).toBe('queued')
})

test.each([
  ['of a process that has ended', `999999999 ${hostname()} token`, 0],
  ['of this process number before a restart', `${process.pid} ${hostname()} token`, 0],
  ['of another host, untouched for a minute', '1 elsewhere token', 60_000],
  ['that was never written', '', 60_000],
])('a lock %s is taken over', async (_, holder, ageMs) => {
  const path = join(folder, 'jobs.lock')
  await writeFile(path, holder)
  const touched = new Date(Date.now() - ageMs)
  await utimes(path, touched, touched)
  await open()
  expect(await readFile(path, 'utf8')).toContain(`${process.pid} ${hostname()} `)
})

test('a lock of another host that is touched holds', async () => {
  await writeFile(join(folder, 'jobs.lock'), '1 elsewhere token')
  expect(await codeOf(openQueue({ folder }))).toBe('JOBS_LOCKED')
})

test('the log does not grow without end', async () => {
  const queue = await open({ keepCount: 10 })
  queue.work(async () => 'x'.repeat(1000), { concurrency: 4 })
  for (let round = 0; round < 24; round++) {
    const accepted = await Promise.all(
      Array.from({ length: 50 }, (_, job) => queue.submit('y'.repeat(3000), { key: `${job}` })),
    )
    await Promise.all(accepted.map(({ id }) => queue.result(id)))
  }
  // 24 × 50 jobs wrote about 5 MB.
  expect((await stat(log())).size).toBeLessThan(2.2 * (1 << 20))
  const { id } = await queue.submit('last', { key: 'a' })
  await queue.result(id)
  await queue.close()
  expect((await stat(log())).size).toBeLessThan(2.2 * (1 << 20))
  const again = await open({ keepCount: 10 })
  expect((await stat(log())).size).toBeLessThan(40_000)
  expect((await again.status(id)).state).toBe('done')
})
