import { isLongtakeError } from '@longtake/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBackend } from './open.js'
import { addGraph, copyGraph, powerGraph } from './testing/graphs.js'
import type { Backend } from './types.js'

/** Multiplications that keep two cores busy for long enough to be interrupted. */
const LONG = { steps: 10, size: 384 }

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'resolved',
    (error: unknown) => (isLongtakeError(error) ? error.code : String(error)),
  )

describe.each(['resident', 'portable'] as const)('%s back end', (kind) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await openBackend(kind)
  })
  afterAll(() => backend.close())

  describe('cancelling', () => {
    test('before a session opens or a run starts', async () => {
      const signal = AbortSignal.abort(new Error('enough'))
      expect(await codeOf(backend.session(addGraph(), { signal }))).toBe('CANCELLED')
      const session = await backend.session(addGraph())
      const value = backend.tensor('float32', [1])
      const run = session.run({ left: value, right: value }, {}, { signal })
      await expect(run).rejects.toMatchObject({ code: 'CANCELLED', cause: new Error('enough') })
    })

    test('during a run; the session goes on working', async () => {
      const session = await backend.session(powerGraph(LONG.steps))
      const matrix = backend.tensor('float32', [LONG.size, LONG.size])
      const controller = new AbortController()
      const run = codeOf(session.run({ matrix }, {}, { signal: controller.signal }))
      setImmediate(() => controller.abort())
      expect(await run).toBe('CANCELLED')
      const small = backend.tensor('float32', [1, 1], Float32Array.of(1))
      expect((await session.run({ matrix: small })).product?.data).toEqual(Float32Array.of(1))
    })

    test('while runs wait for their turn', async () => {
      const session = await backend.session(powerGraph(LONG.steps))
      const matrix = backend.tensor('float32', [LONG.size, LONG.size])
      const controller = new AbortController()
      const runs = Array.from({ length: 6 }, () => codeOf(session.run({ matrix }, {}, controller)))
      controller.abort()
      expect(new Set(await Promise.all(runs))).toEqual(new Set(['CANCELLED']))
    })

    test('after the end changes nothing, and listeners are taken off', async () => {
      const session = await backend.session(addGraph())
      const value = backend.tensor('float32', [1])
      const controller = new AbortController()
      const { signal } = controller
      let listeners = 0
      const add = signal.addEventListener.bind(signal)
      const remove = signal.removeEventListener.bind(signal)
      signal.addEventListener = (...args: Parameters<typeof add>) => {
        listeners++
        add(...args)
      }
      signal.removeEventListener = (...args: Parameters<typeof remove>) => {
        listeners--
        remove(...args)
      }
      for (let i = 0; i < 5; i++) await session.run({ left: value, right: value }, {}, { signal })
      expect(listeners).toBe(0)
      controller.abort()
      await session.run({ left: value, right: value })
    })
  })

  test('several sessions run at once, each with its own values', async () => {
    const sessions = await Promise.all(
      [addGraph(), copyGraph('float32', ['n']), addGraph(['n'])].map((g) => backend.session(g)),
    )
    const work = Array.from({ length: 60 }, async (_, i) => {
      const value = backend.tensor('float32', [3], Float32Array.of(i, 2 * i, -i))
      const session = sessions[i % 3]!
      const adds = session.inputs.length === 2
      const result = await session.run(adds ? { left: value, right: value } : { value })
      const factor = adds ? 2 : 1
      expect(Object.values(result)[0]?.data).toEqual(Float32Array.of(i, 2 * i, -i).map((x) => x * factor))
    })
    await Promise.all(work)
  })

  describe('closing', () => {
    test('a session waits for its runs, and is closed then', async () => {
      const session = await backend.session(powerGraph(LONG.steps))
      const matrix = backend.tensor('float32', [LONG.size, LONG.size])
      const order: string[] = []
      const run = session.run({ matrix }).then(() => order.push('run'))
      const closed = session.close().then(() => order.push('closed'))
      expect(await codeOf(session.run({ matrix }))).toBe('ENGINE_CLOSED')
      await Promise.all([run, closed, session.close()])
      expect(order).toEqual(['run', 'closed'])
    })

    test('a tensor that is closed during a run is not pulled from under it', async () => {
      const session = await backend.session(powerGraph(8))
      const matrix = backend.tensor('float32', [64, 64])
      for (let i = 0; i < 64; i++) matrix.data[i * 65] = 1
      const product = backend.tensor('float32', [64, 64])
      const given = session.run({ matrix }, { product })
      const made = session.run({ matrix })
      matrix.close()
      product.close()
      expect(() => product.data).toThrow(/closed/)
      await given
      expect((await made).product?.data[65]).toBe(1)
    })

    test('the back end closes what is left, waits for runs, and refuses more', async () => {
      const own = await openBackend(kind)
      const session = await own.session(powerGraph(LONG.steps))
      const matrix = own.tensor('float32', [LONG.size, LONG.size])
      const run = codeOf(session.run({ matrix }))
      const opening = codeOf(own.session(addGraph()))
      await Promise.all([own.close(), own.close()])
      expect([await run, await opening]).toEqual(['resolved', 'resolved'])
      expect(() => matrix.data).toThrow(/closed/)
      matrix.close()
      await session.close()
      expect(() => own.tensor('float32', [1])).toThrow(/closed/)
      expect(await codeOf(session.run({ matrix }))).toBe('ENGINE_CLOSED')
      expect(await codeOf(own.session(addGraph()))).toBe('ENGINE_CLOSED')
    })
  })

  test('ten thousand runs leave no memory behind', { timeout: 180_000 }, async () => {
    const own = await openBackend(kind)
    const session = await own.session(addGraph(), { threads: 1 })
    const value = own.tensor('float32', [2048])
    const feeds = { left: value, right: value }
    const sums = Array.from({ length: 50 }, () => own.tensor('float32', [2048]))
    const batch = () =>
      Promise.all(
        sums.map(async (sum) => {
          await session.run(feeds, { sum })
          for (const made of Object.values(await session.run(feeds))) made.close()
        }),
      )
    for (let i = 0; i < 10; i++) await batch()
    const before = process.memoryUsage.rss()
    for (let i = 0; i < (kind === 'resident' ? 100 : 20); i++) await batch()
    // Half of the runs make 8 KiB each: leaked by the resident back end, they would add up to 40 MB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(20 * 2 ** 20)
    await own.close()
  })
})
