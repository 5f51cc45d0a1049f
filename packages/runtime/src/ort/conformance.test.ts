import { isLongtakeError } from '@longtake/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBackend } from './open.js'
import { addGraph, copyGraph, weightedGraph } from './testing/graphs.js'
import { graphModel, type Value } from './testing/onnx.js'
import type { Backend, TensorArrays, TensorType } from './types.js'

const SAMPLES: { readonly [T in TensorType]: TensorArrays[T] } = {
  float32: Float32Array.of(-1.5, 0, 3e38, 1e-40),
  float16: Uint16Array.of(0x3c00, 0xfc00, 0x0001, 0x7bff),
  int64: BigInt64Array.of(-(2n ** 63n), 0n, 2n ** 63n - 1n, 5n),
  int32: Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1, 5),
  int8: Int8Array.of(-128, 0, 127, 5),
  uint8: Uint8Array.of(0, 255, 128, 5),
  bool: Uint8Array.of(0, 1, 1, 0),
}
const TYPES = Object.keys(SAMPLES) as TensorType[]

describe.each(['resident', 'portable'] as const)('%s back end', (kind) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await openBackend(kind)
  })
  afterAll(() => backend.close())

  const failure = async (work: Promise<unknown>) => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    return isLongtakeError(error) ? `${error.code}: ${error.message}` : error
  }

  describe('tensors', () => {
    test.each(TYPES)('%s starts as zeros, and as a copy of given data', (type) => {
      const zeros = backend.tensor(type, [2, 3])
      expect(zeros).toMatchObject({ type, dims: [2, 3] })
      expect(Array.from(zeros.data, Number)).toEqual([0, 0, 0, 0, 0, 0])
      const given = SAMPLES[type].slice() as TensorArrays[typeof type]
      const copy = backend.tensor(type, [4], given)
      given.set(given.slice().reverse() as never)
      expect(copy.data).toEqual(SAMPLES[type])
    })

    test('refuses sizes that are none, and data that does not fit', () => {
      for (const dims of [[-1], [1.5], [Number.NaN], [2 ** 40, 2 ** 40]])
        expect(() => backend.tensor('float32', dims)).toThrow(/dims: expected/)
      expect(() => backend.tensor('float32', [3], new Float32Array(2))).toThrow(/data: expected 3 elements/)
      expect(() => backend.tensor('float32', [1], new Int32Array(1) as never)).toThrow(
        /data: expected a Float32Array/,
      )
      expect(() => backend.tensor('float64' as never, [1])).toThrow(/type: expected one of float32/)
    })

    test('says when memory cannot be had', () => {
      expect(() => backend.tensor('float32', [2 ** 45])).toThrow(/ENGINE_FAILED|memory|2 GiB/)
    })
  })

  describe('runs', () => {
    test.each(TYPES)(
      '%s goes through a graph unchanged, into a new tensor and into a given one',
      async (type) => {
        const session = await backend.session(copyGraph(type, ['n']))
        const value = backend.tensor(type, [4], SAMPLES[type])
        const { copy } = await session.run({ value })
        expect(copy).toMatchObject({ type, dims: [4] })
        expect(copy?.data).toEqual(SAMPLES[type])
        const given = backend.tensor(type, [4])
        const data = given.data
        expect((await session.run({ value }, { copy: given })).copy).toBe(given)
        expect(data).toEqual(SAMPLES[type])
      },
    )

    test('names inputs and outputs in the order of the graph', async () => {
      const session = await backend.session(addGraph())
      expect(session.inputs).toEqual(['left', 'right'])
      expect(session.outputs).toEqual(['sum'])
    })

    test('takes one tensor for several inputs and for an output', async () => {
      const session = await backend.session(addGraph())
      const value = backend.tensor('float32', [2], Float32Array.of(1, 2))
      await session.run({ left: value, right: value }, { sum: value })
      expect(value.data).toEqual(Float32Array.of(2, 4))
    })

    test('takes other sizes in each run where sizes are free', async () => {
      const session = await backend.session(addGraph(['n', 'm']))
      for (const dims of [
        [2, 3],
        [1, 1],
        [3, 0],
        [5, 2],
        [0, 0],
      ]) {
        const value = backend.tensor('float32', dims)
        value.data.fill(1.5)
        const { sum } = await session.run({ left: value, right: value })
        expect(sum?.dims).toEqual(dims)
        expect(sum?.data).toEqual(new Float32Array(dims[0]! * dims[1]!).fill(3))
      }
    })

    test('takes scalars, and empty tensors in place', async () => {
      const scalar = await backend.session(copyGraph('int64', []))
      const { copy } = await scalar.run({ value: backend.tensor('int64', [], BigInt64Array.of(7n)) })
      expect(copy).toMatchObject({ dims: [], data: BigInt64Array.of(7n) })
      const empty = await backend.session(copyGraph('float32', [0, 'n']))
      const given = backend.tensor('float32', [0, 4])
      expect((await empty.run({ value: backend.tensor('float32', [0, 4]) }, { copy: given })).copy).toBe(
        given,
      )
    })

    test('results outlive their session and their feeds, also where an output is a weight', async () => {
      const bytes = new Uint8Array(Float32Array.of(1, 2).buffer)
      const session = await backend.session(
        graphModel({
          nodes: [{ op: 'Add', inputs: ['value', 'weight'], outputs: ['sum'] }],
          inputs: [vector('value')],
          outputs: [vector('weight'), vector('sum')],
          weights: [{ name: 'weight', type: 'float32', dims: [2], bytes }],
        }),
      )
      const value = backend.tensor('float32', [2], Float32Array.of(10, 20))
      const { weight, sum } = await session.run({ value })
      value.close()
      await session.close()
      expect(sum?.data).toEqual(Float32Array.of(11, 22))
      expect(weight?.data).toEqual(Float32Array.of(1, 2))
    })
  })

  test('weights are read from memory, and may be overwritten once the session is open', async () => {
    const size = 64
    const random = (length: number, seed: number) =>
      Float32Array.from({ length }, (_, i) => ((i * seed) % 17) - 8)
    const [w, b, table] = [random(size * size, 7), random(size, 5), random(3 * size, 3)]
    const x = random(size, 11)
    const expected = Float32Array.from(b, (bias, column) =>
      x.reduce((sum, value, row) => sum + value * w[row * size + column]!, bias),
    )
    const row = table.slice(2 * size)
    const session = await backend.session(weightedGraph(w, b, table))
    for (const array of [w, b, table]) array.fill(99)
    const feeds = {
      x: backend.tensor('float32', [1, size], x),
      index: backend.tensor('int64', [], BigInt64Array.of(2n)),
    }
    const result = await session.run(feeds)
    expect(result.y?.data).toEqual(expected)
    expect(result.row?.data).toEqual(row)
  })

  describe('refusals', () => {
    test('of feeds and results that do not fit, by name', async () => {
      const session = await backend.session(addGraph([3]))
      const fits = backend.tensor('float32', [3])
      const both = { left: fits, right: fits }
      const whole = backend.tensor('int32', [3])
      const long = backend.tensor('float32', [4])
      expect(await failure(session.run({ left: fits }))).toMatch(/^ENGINE_FAILED: Input right is missing/)
      expect(await failure(session.run({ ...both, other: fits }))).toMatch(/^ENGINE_FAILED: .*no input other/)
      expect(await failure(session.run({ ...both, left: whole }))).toMatch(
        /Input left is float32, but got int32/,
      )
      expect(await failure(session.run({ ...both, left: long }))).toMatch(
        /^ENGINE_FAILED: ONNX Runtime: .*left/,
      )
      expect(await failure(session.run(both, { other: fits }))).toMatch(/^ENGINE_FAILED: .*no output other/)
      expect(await failure(session.run(both, { sum: whole }))).toMatch(/Output sum is float32, but got int32/)
      expect(await failure(session.run(both, { sum: long }))).toMatch(/^ENGINE_FAILED: /)
      expect((await session.run(both)).sum?.data).toEqual(new Float32Array(3))
    })

    test('of tensors that are closed or of another back end', async () => {
      const session = await backend.session(addGraph())
      const closed = backend.tensor('float32', [1])
      closed.close()
      closed.close()
      expect(() => closed.data).toThrow(/closed/)
      expect(await failure(session.run({ left: closed, right: closed }))).toMatch(
        /^ENGINE_CLOSED: Tensor left/,
      )
      const other = await openBackend(kind === 'resident' ? 'portable' : 'resident')
      const foreign = other.tensor('float32', [1])
      expect(await failure(session.run({ left: foreign, right: foreign }))).toMatch(/another back end/)
      await other.close()
    })

    test('of graphs that are none', async () => {
      const none = { inputs: [], outputs: [], weights: [] }
      for (const graph of [new Uint8Array(), Uint8Array.of(1, 2, 3), new TextEncoder().encode('not a graph')])
        expect(await failure(backend.session({ graph, ...none }))).toMatch(/^ENGINE_FAILED: ONNX Runtime: /)
      const unknown = { ...addGraph(), graph: copyWithOp('Ad\u0064x') }
      expect(await failure(backend.session(unknown))).toMatch(/^ENGINE_FAILED: ONNX Runtime: .*Addx/s)
    })

    test('of thread counts that are none', async () => {
      for (const threads of [0, -1, 1.5, Number.NaN, 1e9])
        expect(await failure(backend.session(addGraph(), { threads }))).toMatch(/^INVALID_OPTION: threads/)
    })

    test('of graphs that hand an input through as it is', async () => {
      const graph = graphModel({ nodes: [], inputs: [vector('value')], outputs: [vector('value')] })
      expect(await failure(backend.session(graph))).toMatch(/^ENGINE_FAILED: Output value is also an input/)
    })

    test('of graphs whose weights are missing or too short', async () => {
      const weights = () => weightedGraph(new Float32Array(4096), new Float32Array(64), new Float32Array(64))
      expect(await failure(backend.session({ ...weights(), weights: [] }))).toMatch(/^ENGINE_FAILED: /)
      const short = weights().weights.map((weight) => ({ ...weight, data: weight.data.subarray(0, 8) }))
      expect(await failure(backend.session({ ...weights(), weights: short }))).toMatch(/^ENGINE_FAILED: /)
    })
  })
})

function vector(name: string): Value {
  return { name, type: 'float32', dims: [2] }
}

function copyWithOp(op: string): Uint8Array {
  const value = { type: 'float32' as const, dims: [1] }
  return graphModel({
    nodes: [{ op, inputs: ['a'], outputs: ['b'] }],
    inputs: [{ name: 'a', ...value }],
    outputs: [{ name: 'b', ...value }],
  }).graph
}
