import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openResident, type ResidentBackend } from './resident.js'
import { addGraph, powerGraph, weightedGraph } from './testing/graphs.js'

/** What an open back end holds on its own. */
const IDLE = { env: 1, memoryInfo: 1 }
/** A session, with the table of its names. */
const SESSION = { session: 1, memory: 1 }

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('native objects of the resident back end', () => {
  let backend: ResidentBackend
  beforeEach(async () => {
    backend = await openResident()
  })
  afterEach(async () => {
    await backend.close()
    expect(backend.liveHandles).toEqual({})
  })

  test('are counted one by one', async () => {
    expect(backend.liveHandles).toEqual(IDLE)
    const session = await backend.session(addGraph(), { threads: 1 })
    expect(backend.liveHandles).toEqual({ ...IDLE, ...SESSION })
    const value = backend.tensor('float32', [8])
    expect(backend.liveHandles).toEqual({ ...IDLE, ...SESSION, memory: 2, value: 1 })
    const { sum } = await session.run({ left: value, right: value })
    // Options and table of the run stay for the next one; ONNX Runtime owns the memory of what it made.
    const after = { ...IDLE, ...SESSION, memory: 3, value: 2, runOptions: 1 }
    expect(backend.liveHandles).toEqual(after)
    sum?.close()
    value.close()
    expect(backend.liveHandles).toEqual({ ...IDLE, ...SESSION, memory: 2, runOptions: 1 })
    await session.close()
    expect(backend.liveHandles).toEqual(IDLE)
  })

  test('do not grow with runs, whether they succeed, fail or are cancelled', async () => {
    const session = await backend.session(addGraph([4]), { threads: 1 })
    const [value, wrong] = [backend.tensor('float32', [4]), backend.tensor('float32', [5])]
    const run = (left = value, signal?: AbortSignal) =>
      session.run({ left, right: value }, { sum: value }, signal && { signal }).catch(() => undefined)
    await run()
    const before = backend.liveHandles
    for (let i = 0; i < 50; i++) await Promise.all([run(), run(wrong), run(value, AbortSignal.abort())])
    // Three runs at a time need up to three frames, each of options and a table.
    expect(backend.liveHandles.runOptions).toBeLessThanOrEqual(3)
    expect(backend.liveHandles.memory! - backend.liveHandles.runOptions!).toBe(before.memory! - 1)
    expect(backend.liveHandles).toMatchObject({ session: 1, value: 2 })
  })

  test('are released when a session cannot be opened', async () => {
    const model = weightedGraph(new Float32Array(4096), new Float32Array(64), new Float32Array(64))
    await expect(backend.session({ ...model, weights: [] })).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    await expect(backend.session({ ...model, graph: Uint8Array.of(9) })).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
    })
    await expect(backend.session(model, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'CANCELLED',
    })
    expect(backend.liveHandles).toEqual(IDLE)
  })

  test('of forgotten tensors go with the garbage, but not while a view is in use', async () => {
    const session = await backend.session(addGraph(), { threads: 1 })
    const kept = backend.tensor('float32', [4], Float32Array.of(1, 2, 3, 4)).data
    const forget = async () => {
      const value = backend.tensor('float32', [4], Float32Array.of(5, 6, 7, 8))
      await session.run({ left: value, right: value })
    }
    await forget()
    expect(backend.liveHandles.value).toBe(3)
    for (let i = 0; i < 20 && backend.liveHandles.value !== 1; i++) {
      collectGarbage()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(backend.liveHandles.value).toBe(1)
    expect(kept).toEqual(Float32Array.of(1, 2, 3, 4))
  })

  test('the event loop turns during a run', async () => {
    const session = await backend.session(powerGraph(40))
    const matrix = backend.tensor('float32', [384, 384])
    let turns = 0
    let running = true
    const turn = () => {
      turns++
      if (running) setImmediate(turn)
    }
    turn()
    await session.run({ matrix })
    running = false
    expect(turns).toBeGreaterThan(20)
  })
})
