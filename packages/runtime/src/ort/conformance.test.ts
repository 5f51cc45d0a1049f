import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBackend } from './open.js'
import { graphModel } from './testing/onnx.js'
import type { Backend } from './types.js'

describe.each(['resident', 'portable'] as const)('%s back end', (kind) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await openBackend(kind)
  })
  afterAll(() => backend.close())

  test('adds two arrays of free length', async () => {
    const value = (name: string) => ({ name, type: 'float32' as const, dims: ['n'] })
    const session = await backend.session(
      graphModel({
        nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['c'] }],
        inputs: [value('a'), value('b')],
        outputs: [value('c')],
      }),
    )
    const a = backend.tensor('float32', [3], Float32Array.of(1, 2, 3))
    const { c } = await session.run({ a, b: a })
    expect(c?.data).toEqual(Float32Array.of(2, 4, 6))
    expect(c?.dims).toEqual([3])
  })
})
