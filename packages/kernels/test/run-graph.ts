// biome-ignore-all lint/style/noNonNullAssertion: reads of arrays whose length is known here
import ort from 'onnxruntime-node'
import { type GraphModel, readIntoMemory, type TensorType } from '../src/index.js'

export type TensorData = Float32Array | BigInt64Array | Int32Array | Int8Array | Uint8Array | Uint16Array

export interface RunTensor {
  readonly type: TensorType
  readonly dims: readonly number[]
  readonly data: TensorData
}

export interface OpenGraph {
  run(feeds: Readonly<Record<string, RunTensor>>): Promise<Record<string, RunTensor>>
  release(): Promise<void>
}

export function tensor(type: TensorType, dims: readonly number[], data: TensorData): RunTensor {
  return { type, dims, data }
}

export function floats(dims: readonly number[], data: Float32Array): RunTensor {
  return { type: 'float32', dims, data }
}

/** Loads a graph in onnxruntime-node, on one thread. */
export async function openGraph(model: GraphModel): Promise<OpenGraph> {
  const { graph, weights } = await readIntoMemory(model)
  const session = await ort.InferenceSession.create(graph, {
    externalData: weights.map(({ location, data }) => ({ path: location, data })),
    intraOpNumThreads: 1,
    // Only what is fatal: errors are thrown, and some tests mean them.
    logSeverityLevel: 4,
  })
  return {
    async run(feeds) {
      const entries = Object.entries(feeds).map(([name, { type, dims, data }]) => [
        name,
        new ort.Tensor(type, data as Float32Array, dims),
      ])
      const results = await session.run(Object.fromEntries(entries))
      return results as unknown as Record<string, RunTensor>
    },
    release: () => session.release(),
  }
}

/** Loads, runs once, releases. */
export async function runGraph(
  model: GraphModel,
  feeds: Readonly<Record<string, RunTensor>>,
): Promise<Record<string, RunTensor>> {
  const graph = await openGraph(model)
  try {
    return await graph.run(feeds)
  } finally {
    await graph.release()
  }
}
