import { readIntoMemory } from '@longtake/kernels'
import { GraphBuilder } from '@longtake/kernels/onnx'
import type { Backend } from '@longtake/runtime/ort'
import { fillRandom } from './decode-model.js'

/** What the machine can do at most, as far as these probes reach it. */
export interface MachineLimits {
  /** Bytes a second that a large array is read with: the best of the probes. */
  readonly readBytesPerSecond: number
  /** Each probe's bytes a second. */
  readonly probes: Readonly<Record<string, number>>
  /** Floating point operations a second of a large matrix product. */
  readonly matrixFlops: number
}

/** Far above every cache: 256 MiB. */
const READ_ROWS = 64
const READ_COLUMNS = 1 << 20
const MATRIX_SIZE = 1536
const REPETITIONS = 5

/**
 * Measures memory bandwidth and the matrix peak through a back end, with the same threads as what they are compared to.
 *
 * Bandwidth is the best of three ways to read 256 MiB: a sum over rows, a matrix times a vector, and a copy by
 * JavaScript, of which reads and writes both count. The matrix peak is the product of two square matrices. The best of
 * five repetitions counts, since a limit is what is sought.
 */
export async function measureLimits(backend: Backend, threads: number): Promise<MachineLimits> {
  const data = fillRandom(new Float32Array(READ_ROWS * READ_COLUMNS), 1, 1)
  const probes = {
    rowSum: await probeRowSum(backend, threads, data),
    matrixVector: await probeMatrixVector(backend, threads, data),
    copy: probeCopy(data),
  }
  return {
    readBytesPerSecond: Math.max(...Object.values(probes)),
    probes,
    matrixFlops: await probeMatrix(backend, threads),
  }
}

async function probeRowSum(backend: Backend, threads: number, data: Float32Array): Promise<number> {
  const graph = new GraphBuilder('row_sum')
  const matrix = graph.input('matrix', 'float32', [READ_ROWS, READ_COLUMNS])
  const axes = graph.integers([1])
  const [sums] = graph.node('ReduceSum', [matrix, axes], [{ type: 'float32', dims: [READ_ROWS] }], {
    attributes: { keepdims: 0 },
  })
  graph.output('sums', sums)
  return (
    data.byteLength /
    (await bestSeconds(backend, graph, threads, { matrix: { dims: [READ_ROWS, READ_COLUMNS], data } }))
  )
}

async function probeMatrixVector(backend: Backend, threads: number, data: Float32Array): Promise<number> {
  const [rows, columns] = [4096, data.length / 4096]
  const graph = new GraphBuilder('matrix_vector')
  const vector = graph.input('vector', 'float32', [1, rows])
  const matrix = graph.input('matrix', 'float32', [rows, columns])
  const [product] = graph.node('MatMul', [vector, matrix], [{ type: 'float32', dims: [1, columns] }])
  graph.output('product', product)
  const feeds = {
    vector: { dims: [1, rows], data: fillRandom(new Float32Array(rows), 2, 1) },
    matrix: { dims: [rows, columns], data },
  }
  return data.byteLength / (await bestSeconds(backend, graph, threads, feeds))
}

function probeCopy(data: Float32Array): number {
  const target = new Float32Array(data.length)
  const seconds = Array.from({ length: REPETITIONS + 1 }, () => {
    const start = performance.now()
    target.set(data)
    return (performance.now() - start) / 1000
  })
  return (2 * data.byteLength) / Math.min(...seconds)
}

async function probeMatrix(backend: Backend, threads: number): Promise<number> {
  const dims = [MATRIX_SIZE, MATRIX_SIZE]
  const graph = new GraphBuilder('matrix_product')
  const [left, right] = [graph.input('left', 'float32', dims), graph.input('right', 'float32', dims)]
  const [product] = graph.node('MatMul', [left, right], [{ type: 'float32', dims }])
  graph.output('product', product)
  const random = (seed: number) => ({ dims, data: fillRandom(new Float32Array(MATRIX_SIZE ** 2), seed, 1) })
  return (
    (2 * MATRIX_SIZE ** 3) /
    (await bestSeconds(backend, graph, threads, { left: random(3), right: random(4) }))
  )
}

/** The higher of two measurements of each limit: what else the machine did meanwhile only ever lowers one. */
export function higherLimits(one: MachineLimits, other: MachineLimits): MachineLimits {
  const better = one.readBytesPerSecond >= other.readBytesPerSecond ? one : other
  return { ...better, matrixFlops: Math.max(one.matrixFlops, other.matrixFlops) }
}

type Feeds = Readonly<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>

async function bestSeconds(
  backend: Backend,
  graph: GraphBuilder,
  threads: number,
  arrays: Feeds,
): Promise<number> {
  const session = await backend.session(await readIntoMemory(graph.build()), { threads })
  const feeds = Object.fromEntries(
    Object.entries(arrays).map(([name, { dims, data }]) => [name, backend.tensor('float32', dims, data)]),
  )
  let best = Number.POSITIVE_INFINITY
  for (let repetition = 0; repetition <= REPETITIONS; repetition++) {
    const start = performance.now()
    const results = await session.run(feeds)
    best = Math.min(best, (performance.now() - start) / 1000)
    for (const tensor of Object.values(results)) tensor.close()
  }
  for (const tensor of Object.values(feeds)) tensor.close()
  await session.close()
  return best
}
