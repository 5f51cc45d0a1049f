import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CancelledError, EngineError, InvalidOptionError, isLongtakeError, VideoError } from '@longtake/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type JobEvent, type JobQueue, openQueue, type QueueOptions } from './index.js'

const opened: JobQueue[] = []
const folders: string[] = []

afterEach(async () => {
  vi.useRealTimers()
  for (const queue of opened.splice(0)) await queue.close()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function eventsOf(watch: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const events: JobEvent[] = []
  for await (const event of watch) events.push(event)
  return events
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'fulfilled',
    (error: unknown) => (isLongtakeError(error) ? error.code : error),
  )

/** A handler that waits until the test lets each job go. */
function gate() {
  const open = new Map<unknown, (result: string) => void>()
  const order: unknown[] = []
  const handler = ({ job }: { job: unknown }): Promise<string> => {
    order.push(job)
    return new Promise((resolve) => open.set(job, resolve))
  }
  const release = async (job: unknown): Promise<void> => {
    await vi.waitFor(() => expect(open.has(job)).toBe(true))
    open.get(job)?.('released')
    open.delete(job)
  }
  return { handler, order, release }
}

/** Opens a queue that is closed after the test. */
async function openFor(place: string, options: QueueOptions): Promise<JobQueue> {
  const folder = place === 'folder' ? await mkdtemp(join(tmpdir(), 'longtake-jobs-')) : undefined
  if (folder) folders.push(folder)
  const queue = await openQueue(folder ? { ...options, folder } : options)
  opened.push(queue)
  return queue
}

describe.each(['memory', 'folder'])('in %s', (place) => {
  const open = (options: QueueOptions = {}) => openFor(place, options)

  test('a job tells where it stands, how far it is, its text and its result', async () => {
    const queue = await open()
    const { id, position, existing } = await queue.submit({ question: 'why?' }, { key: 'ann' })
    expect([position, existing]).toEqual([1, false])
    const events = eventsOf(queue.watch(id))
    queue.work(async ({ job, key, attempt, progress, token }) => {
      progress({ stage: 'decode', done: 1 })
      token('Be')
      token('cause')
      return { job, key, attempt }
    })
    const result = { job: { question: 'why?' }, key: 'ann', attempt: 1 }
    expect(await queue.result(id)).toEqual(result)
    const base = ((await events)[0]?.number ?? 0) - 1
    expect(await events).toEqual([
      { number: base + 1, type: 'queued', position: 1 },
      { number: base + 2, type: 'started', attempt: 1 },
      { number: base + 3, type: 'progress', progress: { stage: 'decode', done: 1 } },
      { number: base + 4, type: 'token', text: 'Be' },
      { number: base + 5, type: 'token', text: 'cause' },
      { number: base + 6, type: 'done', result },
    ])
    const status = await queue.status(id)
    expect(status).toMatchObject({
      id,
      key: 'ann',
      state: 'done',
      position: 0,
      attempts: 1,
      result,
      event: base + 6,
    })
    expect(status.endedAt?.getTime()).toBeGreaterThanOrEqual(status.acceptedAt.getTime())
    // Coming back after an event gives what followed it, and always the end.
    expect((await eventsOf(queue.watch(id, { after: base + 4 }))).map(({ number }) => number)).toEqual([
      base + 5,
      base + 6,
    ])
    for (const after of [base + 6, base + 99, Number.MAX_SAFE_INTEGER]) {
      expect((await eventsOf(queue.watch(id, { after }))).map(({ type }) => type)).toEqual(['done'])
    }
  })

  test('positions change as jobs start, and are told to those who watch', async () => {
    const queue = await open()
    const ids = []
    for (let job = 1; job <= 4; job++) {
      const accepted = await queue.submit(job, { key: 'ann' })
      expect(accepted.position).toBe(job)
      ids.push(accepted.id)
    }
    const seen: number[] = []
    const last = (async () => {
      for await (const event of queue.watch(ids[3] as string))
        if (event.type === 'queued') seen.push(event.position)
    })()
    const { handler, release } = gate()
    queue.work(handler)
    for (let job = 1; job <= 4; job++) await release(job)
    await last
    expect(seen).toEqual([4, 3, 2, 1])
  })

  test('of hundreds of watched jobs each is told where it stands, and never that it has gone back', async () => {
    const queue = await open({ mostQueued: 1000 })
    const keys = ['ann', 'bob', 'eve']
    const told = new Map<string, number[]>()
    const ids = []
    for (let job = 0; job < 300; job++) {
      const { id } = await queue.submit(job, { key: keys[job % keys.length] as string })
      ids.push(id)
    }
    for (const id of ids) {
      const positions: number[] = []
      told.set(id, positions)
      const read = async (): Promise<void> => {
        for await (const event of queue.watch(id)) if (event.type === 'queued') positions.push(event.position)
      }
      read().catch(() => {})
    }
    // Some leave while others are being told.
    for (const [number, id] of ids.slice(0, 120).entries()) {
      await queue.cancel(id)
      if (number % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const left = ids.slice(120)
    await vi.waitFor(
      async () => {
        const statuses = await Promise.all(left.map((id) => queue.status(id)))
        expect(left.map((id) => told.get(id)?.at(-1))).toEqual(statuses.map(({ position }) => position))
      },
      { timeout: 10_000 },
    )
    for (const positions of told.values())
      expect(positions).toEqual([...new Set(positions)].sort((a, b) => b - a))
  })

  test('a key with a thousand jobs delays another by one turn', async () => {
    const queue = await open({ mostQueued: 2000 })
    const jobs = Array.from({ length: 1000 }, (_, job) => queue.submit(['greedy', job], { key: 'greedy' }))
    await Promise.all(jobs)
    const modest = [
      await queue.submit(['modest', 0], { key: 'modest' }),
      await queue.submit(['modest', 1], { key: 'modest' }),
    ]
    expect(modest.map(({ position }) => position)).toEqual([2, 4])
    const order: unknown[] = []
    queue.work(async ({ job }) => {
      order.push(job)
      return null
    })
    await Promise.all(modest.map(({ id }) => queue.result(id)))
    expect(order.slice(0, 4)).toEqual([
      ['greedy', 0],
      ['modest', 0],
      ['greedy', 1],
      ['modest', 1],
    ])
  })

  test('who asks one after the other waits only for the job of a greedy key that runs', async () => {
    const queue = await open({ mostQueued: 100 })
    for (let job = 0; job < 20; job++) await queue.submit(`greedy ${job}`, { key: 'greedy' })
    const { handler, order, release } = gate()
    queue.work(handler)
    const mine = []
    for (let question = 0; question < 4; question++) {
      // It comes while one of theirs runs, as the last answer came when that began.
      const { id, position } = await queue.submit(`modest ${question}`, { key: 'modest' })
      mine.push(position)
      await vi.waitFor(() => expect(order.at(-1)).toMatch('greedy'))
      await release(order.at(-1))
      await vi.waitFor(() => expect(order.at(-1)).toMatch('modest'))
      await release(order.at(-1))
      await queue.result(id)
      await vi.waitFor(() => expect(order.at(-1)).toMatch('greedy'))
    }
    expect(mine).toEqual([1, 1, 1, 1])
  })

  test('a key gets no more than its turn by taking jobs back and giving them again', async () => {
    const queue = await open({ mostQueued: 100 })
    for (let job = 0; job < 3; job++) await queue.submit(`greedy ${job}`, { key: 'greedy' })
    const { handler, order, release } = gate()
    queue.work(handler)
    await queue.submit('sly 0', { key: 'sly' })
    const second = await queue.submit('sly 1', { key: 'sly' })
    await release('greedy 0')
    await vi.waitFor(() => expect(order).toEqual(['greedy 0', 'sly 0']))
    await queue.cancel(second.id)
    expect(await queue.submit('sly 2', { key: 'sly' })).toMatchObject({ position: 2 })
  })

  test('a key fills half of the queue at most, and then learns when to come back', async () => {
    const queue = await open({ mostQueued: 10 })
    const submit = (key: string) => queue.submit(1, { key })
    for (let job = 0; job < 5; job++) await submit('greedy')
    await expect(submit('greedy')).rejects.toMatchObject({ code: 'JOBS_FULL', retryAfterSeconds: 5 })
    for (const key of ['a', 'b', 'c', 'd', 'e']) await submit(key)
    await expect(submit('f')).rejects.toMatchObject({ code: 'JOBS_FULL', message: /^The queue is full/ })
    expect(await queue.stats()).toEqual({ queued: 10, running: 0, ended: 0, keys: 6 })
  })

  test('limits of a key: queued, and running', async () => {
    const queue = await open({ mostQueued: 10, mostQueuedPerKey: 3, mostRunningPerKey: 1 })
    for (let job = 0; job < 3; job++) await queue.submit(['a', job], { key: 'a' })
    expect(await codeOf(queue.submit(0, { key: 'a' }))).toBe('JOBS_FULL')
    await queue.submit(['b', 0], { key: 'b' })
    const { handler, order, release } = gate()
    queue.work(handler, { concurrency: 3 })
    await vi.waitFor(() => expect(order.length).toBe(2))
    expect(order).toEqual([
      ['a', 0],
      ['b', 0],
    ])
    for (const job of order.slice()) await release(job)
  })

  test('of one key, higher priority goes first, and other keys are not overtaken', async () => {
    const queue = await open()
    const submit = (job: string, priority: number) => queue.submit(job, { key: job.charAt(0), priority })
    const positions = []
    for (const [job, priority] of [
      ['a1', 0],
      ['b1', 0],
      ['a2', 9],
      ['a3', 9],
      ['a4', 5],
    ] as const) {
      positions.push((await submit(job, priority)).position)
    }
    expect(positions).toEqual([1, 2, 1, 3, 4])
    const order: unknown[] = []
    queue.work(async ({ job }) => {
      order.push(job)
      return null
    })
    await vi.waitFor(async () => expect((await queue.stats()).ended).toBe(5))
    expect(order).toEqual(['a2', 'b1', 'a3', 'a4', 'a1'])
  })

  test('the same submission gives the same job, another one a conflict', async () => {
    const queue = await open()
    const options = { key: 'ann', idempotencyKey: 'once' }
    const twice = await Promise.all([
      queue.submit({ a: 1, b: [2] }, options),
      queue.submit({ b: [2], a: 1 }, options),
    ])
    expect(twice[1]).toEqual({ ...twice[0], existing: true })
    expect(await codeOf(queue.submit({ a: 1, b: [3] }, options))).toBe('JOB_CONFLICT')
    const other = await queue.submit({ a: 1, b: [3] }, { ...options, key: 'bob' })
    expect(other.existing).toBe(false)
    queue.work(async () => 'answer')
    await queue.result(twice[0].id)
    expect(await queue.submit({ a: 1, b: [2] }, options)).toEqual({
      id: twice[0].id,
      position: 0,
      existing: true,
    })
  })

  test('cancelling ends queued and running jobs once, and tells the handler', async () => {
    const queue = await open()
    const reasons: unknown[] = []
    const running = await queue.submit(1, { key: 'a' })
    const queued = await queue.submit(2, { key: 'a' })
    let isCalled = false
    queue.work(async ({ signal, token }) => {
      isCalled = true
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reasons.push(signal.reason.code)
      token('too late')
      return 'too late'
    })
    await vi.waitFor(() => expect(isCalled).toBe(true))
    expect(await queue.cancel(queued.id)).toBe(true)
    expect(await queue.cancel(running.id)).toBe(true)
    expect(await queue.cancel(running.id)).toBe(false)
    for (const { id } of [queued, running]) {
      expect((await queue.status(id)).state).toBe('cancelled')
      expect(await codeOf(queue.result(id))).toBe('JOB_CANCELLED')
    }
    expect((await eventsOf(queue.watch(running.id))).map(({ type }) => type)).toEqual([
      'queued',
      'started',
      'cancelled',
    ])
    await vi.waitFor(() => expect(reasons).toEqual(['JOB_CANCELLED']))
  })

  test('deadlines end jobs that wait and jobs that run', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const queue = await open({ deadlineMs: 120_000 })
    const running = await queue.submit(1, { key: 'a', deadlineMs: 60_000 })
    const queued = await queue.submit(2, { key: 'a' })
    const longer = await queue.submit(3, { key: 'a', deadlineMs: 600_000 })
    const reasons: unknown[] = []
    let leave = (): void => {}
    queue.work(async ({ job, signal }) => {
      if (job === 3) return 'in time'
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reasons.push(signal.reason.code)
      await new Promise<void>((resolve) => {
        leave = resolve
      })
      return 'too late'
    })
    const first = queue.watch(running.id)
    for await (const event of first) {
      if (event.type === 'started') await vi.advanceTimersByTimeAsync(60_001)
      else if (event.type !== 'queued') {
        expect(event).toMatchObject({
          type: 'failed',
          reason: { message: 'The deadline passed while it ran.' },
        })
      }
    }
    const reason = { code: 'JOB_EXPIRED', message: 'The deadline passed while it ran.' }
    await expect(queue.result(running.id)).rejects.toMatchObject({ code: 'JOB_EXPIRED', reason })
    await vi.advanceTimersByTimeAsync(60_000)
    const message = 'The deadline passed while it was queued.'
    await expect(queue.result(queued.id)).rejects.toMatchObject({ message })
    leave()
    expect(await queue.result(longer.id)).toBe('in time')
    expect(reasons).toEqual(['JOB_EXPIRED'])
  })

  test('a job that asks for it is cancelled when its watchers have left, others go on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const queue = await open({ abandonMs: 5_000 })
    const left = await queue.submit(1, { key: 'a', cancelOnAbandon: true })
    const kept = await queue.submit(2, { key: 'a', cancelOnAbandon: true })
    const plain = await queue.submit(3, { key: 'a' })
    const stay = queue.watch(kept.id)
    await stay.next()
    for await (const _ of queue.watch(left.id)) break
    for await (const _ of queue.watch(plain.id)) break
    await vi.advanceTimersByTimeAsync(4_999)
    const states = () =>
      Promise.all([left, kept, plain].map(async ({ id }) => (await queue.status(id)).state))
    expect(await states()).toEqual(['queued', 'queued', 'queued'])
    await vi.advanceTimersByTimeAsync(1)
    // Waiting for a result is watching too, so the state is asked for.
    await vi.waitFor(async () => expect(await states()).toEqual(['cancelled', 'queued', 'queued']))
    await stay.return?.()
    await vi.advanceTimersByTimeAsync(5_000)
    await vi.waitFor(async () => expect(await states()).toEqual(['cancelled', 'cancelled', 'queued']))
  })

  test('leaving a watch, by its signal or by return, does not wait for an event', async () => {
    const queue = await open()
    const { id } = await queue.submit(1, { key: 'a' })
    const leaving = queue.watch(id)
    await leaving.next()
    const waiting = leaving.next()
    await leaving.return?.()
    expect(await waiting).toEqual({ done: true, value: undefined })
    const controller = new AbortController()
    const result = queue.result(id, { signal: controller.signal })
    controller.abort(new Error('gone'))
    await expect(result).rejects.toBeInstanceOf(CancelledError)
    await expect(queue.result(id, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(CancelledError)
    expect(await codeOf(queue.watch('job_unknown').next())).toBe('JOB_NOT_FOUND')
  })

  test('a lost engine is tried once more, other failures are final and say why', async () => {
    const queue = await open()
    const unexpected: unknown[] = []
    const attempts: [unknown, number][] = []
    const failures = new Map<unknown, () => unknown>([
      ['crash', () => new EngineError('ENGINE_FAILED', 'The engine crashed.')],
      ['video', () => new VideoError('VIDEO_EMPTY', 'The file is empty.')],
      ['bug', () => new TypeError('/secret/path')],
      ['large', () => 'large'],
    ])
    queue.work(
      async ({ job, attempt, token }) => {
        attempts.push([job, attempt])
        token(`${attempt}`)
        if (job === 'once' && attempt === 1) throw new EngineError('ENGINE_FAILED', 'The engine crashed.')
        if (job === 'large') return 'x'.repeat(2 << 20)
        if (failures.has(job)) throw failures.get(job)?.()
        return 'answer'
      },
      { onUnexpected: (error, id) => unexpected.push([error, id]) },
    )
    const submit = async (job: string) => (await queue.submit(job, { key: 'a' })).id
    const reasonOf = async (job: string) => {
      const id = await submit(job)
      expect(await codeOf(queue.result(id))).toBe('JOB_FAILED')
      return (await queue.status(id)).reason
    }
    const once = await submit('once')
    expect(await queue.result(once)).toBe('answer')
    // What the first attempt said is void, and is not told to those who come later.
    expect((await eventsOf(queue.watch(once))).slice(-3)).toMatchObject([
      { type: 'started', attempt: 2 },
      { type: 'token', text: '2' },
      { type: 'done' },
    ])
    expect(await reasonOf('crash')).toEqual({ code: 'ENGINE_FAILED', message: 'The engine crashed.' })
    expect(await reasonOf('video')).toEqual({ code: 'VIDEO_EMPTY', message: 'The file is empty.' })
    expect(await reasonOf('large')).toMatchObject({ code: 'JOB_TOO_LARGE' })
    expect(await reasonOf('bug')).toEqual({
      code: 'UNEXPECTED',
      message: expect.not.stringContaining('secret'),
    })
    expect(unexpected).toEqual([[expect.any(TypeError), expect.stringMatching(/^job_/)]])
    const counts = attempts.map(([job]) => job)
    expect(
      ['once', 'crash', 'video', 'bug'].map((job) => counts.filter((other) => other === job).length),
    ).toEqual([2, 2, 1, 1])
  })

  test('a worker that closes finishes what it runs and takes no more', async () => {
    const queue = await open()
    await queue.submit('a', { key: 'a' })
    await queue.submit('b', { key: 'a' })
    const { handler, release, order } = gate()
    const worker = queue.work(handler)
    await vi.waitFor(() => expect(order).toEqual(['a']))
    const closed = worker.close()
    await release('a')
    await closed
    expect(await queue.stats()).toEqual({ queued: 1, running: 0, ended: 1, keys: 1 })
  })

  test('ended jobs are forgotten by time, number and size', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const queue = await open({ keepMs: 1000, keepCount: 2 })
    queue.work(async ({ job }) => job)
    const ids: string[] = []
    for (let job = 0; job < 3; job++) {
      const { id } = await queue.submit(job, { key: 'a', idempotencyKey: `${job}` })
      await queue.result(id)
      ids.push(id)
    }
    const states = () => Promise.all(ids.map((id) => codeOf(queue.status(id))))
    expect(await states()).toEqual(['JOB_NOT_FOUND', 'fulfilled', 'fulfilled'])
    await vi.advanceTimersByTimeAsync(1001)
    expect(await states()).toEqual(['JOB_NOT_FOUND', 'JOB_NOT_FOUND', 'JOB_NOT_FOUND'])
    expect((await queue.stats()).ended).toBe(0)
    expect((await queue.submit(2, { key: 'a', idempotencyKey: '2' })).existing).toBe(false)
    const small = await open({ keepBytes: 50_000 })
    small.work(async ({ token }) => {
      for (let piece = 0; piece < 100; piece++) token('x')
      return 'x'.repeat(10_000)
    })
    const kept = []
    for (let job = 0; job < 4; job++) {
      const { id } = await small.submit(job, { key: 'a' })
      await small.result(id)
      kept.push(id)
    }
    expect((await small.stats()).ended).toBe(2)
    // Tokens go before results do.
    expect((await eventsOf(small.watch(kept[3] as string))).map(({ type }) => type)).toContain('done')
  })

  test.each([
    ['undefined', undefined],
    ['NaN', { a: [Number.NaN] }],
    ['a date', { at: new Date(0) }],
    ['a map', new Map()],
    ['bytes', new Uint8Array(3)],
    ['a function', { f: () => 1 }],
    ['a bigint', 1n],
    ['a hole', Array(2)],
    ['its own text', { toJSON: () => 1 }],
    [
      'a cycle',
      (() => {
        const a: unknown[] = []
        a.push(a)
        return a
      })(),
    ],
    ['deep nesting', JSON.parse('['.repeat(100) + ']'.repeat(100))],
  ])('a job with %s is refused', async (_, job) => {
    const queue = await open()
    await expect(queue.submit(job as never, { key: 'a' })).rejects.toBeInstanceOf(InvalidOptionError)
    expect((await queue.stats()).queued).toBe(0)
  })

  test.each([
    ['no key', {}],
    ['an empty key', { key: '' }],
    ['control characters', { key: 'a\nb' }],
    ['a long key', { key: 'x'.repeat(257) }],
    ['an idempotency key of another type', { key: 'a', idempotencyKey: 1 }],
    ['a deadline in the past', { key: 'a', deadlineMs: -1 }],
    ['an endless deadline', { key: 'a', deadlineMs: Number.POSITIVE_INFINITY }],
    ['a fraction of a priority', { key: 'a', priority: 0.5 }],
    ['a flag of another type', { key: 'a', cancelOnAbandon: 'yes' }],
  ])('a submission with %s is refused', async (_, options) => {
    const queue = await open()
    await expect(queue.submit(1, options as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('jobs and all queued jobs together are bounded in bytes', async () => {
    const queue = await open({ mostJobBytes: 1000, mostQueuedBytes: 2500 })
    expect(await codeOf(queue.submit('x'.repeat(999), { key: 'a' }))).toBe('JOB_TOO_LARGE')
    expect(await codeOf(queue.submit('é'.repeat(500), { key: 'a' }))).toBe('JOB_TOO_LARGE')
    for (const key of ['a', 'b']) await queue.submit('x'.repeat(998), { key })
    expect(await codeOf(queue.submit('x'.repeat(998), { key: 'c' }))).toBe('JOBS_FULL')
    const { id } = await queue.submit('x'.repeat(498), { key: 'c' })
    await queue.cancel(id)
    await queue.submit('x'.repeat(498), { key: 'c' })
  })

  test('a job that says too much fails, and what it was given cannot be changed from outside', async () => {
    const queue = await open({ mostTokenBytes: 10_000 })
    const job = { text: 'as submitted' }
    const { id } = await queue.submit(job, { key: 'a' })
    job.text = 'changed'
    const endless = await queue.submit('endless', { key: 'a' })
    queue.work(async ({ job, token }) => {
      while (job === 'endless') token('word ')
      return job
    })
    expect(await queue.result(id)).toEqual({ text: 'as submitted' })
    await expect(queue.result(endless.id)).rejects.toMatchObject({ reason: { code: 'JOB_TOO_LARGE' } })
  })

  test.each(['mostQueued', 'mostRunningPerKey', 'keepMs', 'mostAttempts', 'lockWaitMs'] as const)(
    'an unusable %s is refused by its name',
    async (option) => {
      for (const value of [-1, 1.5, Number.NaN, '3']) {
        await expect(openQueue({ [option]: value })).rejects.toMatchObject({ code: 'INVALID_OPTION', option })
      }
      const queue = await open()
      expect(() => queue.work(async () => null, { concurrency: 0 })).toThrow(InvalidOptionError)
    },
  )
})

test('draining lets running jobs finish and takes none; without a folder the rest fails', async () => {
  const queue = await openFor('memory', {})
  const running = await queue.submit('a', { key: 'a' })
  const waiting = await queue.submit('b', { key: 'a' })
  const { handler, release, order } = gate()
  queue.work(handler)
  await vi.waitFor(() => expect(order).toEqual(['a']))
  const drained = queue.drain({ timeoutMs: 60_000 })
  expect(await codeOf(queue.submit('c', { key: 'a' }))).toBe('JOBS_CLOSED')
  await release('a')
  expect(await drained).toEqual({ queued: 0, handedBack: 0 })
  expect(await queue.result(running.id)).toBe('released')
  await expect(queue.result(waiting.id)).rejects.toMatchObject({
    code: 'JOB_FAILED',
    reason: { code: 'JOBS_CLOSED' },
  })
  expect(order).toEqual(['a'])
})
