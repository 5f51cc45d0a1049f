import { CheckpointError, InvalidOptionError } from '@longtake/core'
import { expect, test } from 'vitest'
import { clipTextOracle, clipTextShapes, TEXT_NAMES } from '../../test/clip-text-oracle.js'
import { largestDifference, type Rows, rowsOf } from '../../test/oracle.js'
import {
  type Held,
  heldWeights,
  randomArray,
  randomTensors,
  roundedTensors,
} from '../../test/random-weights.js'
import { type OpenGraph, openGraph, runGraph, tensor } from '../../test/run-graph.js'
import { buildClipText, type ClipTextConfig, stretchPositions, type WeightType } from '../index.js'

const CONFIG: ClipTextConfig = {
  hiddenSize: 32,
  layers: 2,
  heads: 4,
  intermediateSize: 64,
  activation: 'quick_gelu',
  layerNormEpsilon: 1e-5,
  vocabularySize: 60,
  positions: 77,
  projectionSize: 24,
}

const POSITIONS = `${TEXT_NAMES.model}embeddings.position_embedding`

/** Texts of several lengths, ids at random, `0` behind them up to the longest. */
const TEXTS = [[58, 59], [58, 3, 17, 9, 59], Array.from({ length: 20 }, (_, at) => (at * 7) % 60), [1]]

function inputs(texts: readonly (readonly number[])[], padding = 0) {
  const longest = Math.max(...texts.map((text) => text.length))
  const ids = texts.flatMap((text) => [...text, ...Array(longest - text.length).fill(padding)])
  return {
    input_ids: tensor('int64', [texts.length, longest], BigInt64Array.from(ids, BigInt)),
    end: tensor(
      'int64',
      [texts.length],
      BigInt64Array.from(texts, (text) => BigInt(text.length - 1)),
    ),
  }
}

async function embed(
  config: ClipTextConfig,
  tensors: ReadonlyMap<string, Held>,
  texts: readonly (readonly number[])[],
  weights: WeightType = 'fp32',
): Promise<Float32Array> {
  const model = await buildClipText(config, heldWeights(tensors), TEXT_NAMES, { weights })
  const { text_embedding: embedding } = await runGraph(model, inputs(texts))
  expect(embedding!.dims).toEqual([texts.length, config.projectionSize])
  return embedding!.data as Float32Array
}

function expected(
  config: ClipTextConfig,
  tensors: ReadonlyMap<string, Held>,
  texts: readonly (readonly number[])[],
  positions: Rows = rowsOf(tensors.get(`${POSITIONS}.weight`)!.data, config.hiddenSize),
): number[] {
  return texts.flatMap((text) => clipTextOracle(config, tensors, positions.slice(0, text.length), text))
}

/** Runs `use` on a tower with random weights. */
async function withGraph(use: (graph: OpenGraph) => Promise<void>): Promise<void> {
  const tensors = randomTensors(clipTextShapes(CONFIG, 77))
  const graph = await openGraph(await buildClipText(CONFIG, heldWeights(tensors), TEXT_NAMES))
  try {
    await use(graph)
  } finally {
    await graph.release()
  }
}

test.each(['quick_gelu', 'gelu'] as const)('texts with %s agree with the oracle', async (activation) => {
  const config = { ...CONFIG, activation }
  const tensors = randomTensors(clipTextShapes(config, 77))
  const embedding = await embed(config, tensors, TEXTS)
  expect(largestDifference(embedding, expected(config, tensors, TEXTS))).toBeLessThan(1e-5)
  for (const row of rowsOf(embedding, 24)) expect(Math.hypot(...row)).toBeCloseTo(1, 5)
})

test('what stands behind the end is not seen', () =>
  withGraph(async (graph) => {
    const first = await graph.run(inputs(TEXTS, 0))
    const other = await graph.run(inputs(TEXTS, 41))
    expect(other.text_embedding!.data).toEqual(first.text_embedding!.data)
  }))

test('a table of 77 rows is stretched to 248 where the config asks for them', async () => {
  const config = { ...CONFIG, positions: 248 }
  const tensors = randomTensors(clipTextShapes(config, 77))
  const long = Array.from({ length: 248 }, (_, at) => (at * 11) % 60)
  const table = stretchPositions(tensors.get(`${POSITIONS}.weight`)!.data, 77, 32)
  const texts = [long, long.slice(0, 90)]
  const wanted = expected(config, tensors, texts, rowsOf(table, 32))
  expect(largestDifference(await embed(config, tensors, texts), wanted)).toBeLessThan(1e-5)
})

test('an extended pair of tables: rows 0–19 of the first, the rest of the second', async () => {
  const config = { ...CONFIG, positions: 248 }
  const tensors = randomTensors(clipTextShapes(config, 77))
  const [kept, stretched] = [5, 6].map((seed) => randomArray(248 * 32, seed, 0.3))
  tensors.set(POSITIONS, { shape: [248, 32], data: kept! })
  tensors.set(`${POSITIONS}_res`, { shape: [248, 32], data: stretched! })
  const rows = [...rowsOf(kept!, 32).slice(0, 20), ...rowsOf(stretched!, 32).slice(20)]
  const texts = [Array.from({ length: 30 }, (_, at) => at), [4, 5, 6]]
  const wanted = expected(config, tensors, texts, rows)
  expect(largestDifference(await embed(config, tensors, texts), wanted)).toBeLessThan(1e-5)
})

test.each([8, 4] as const)('int%i matrices agree with an oracle of rounded ones', async (bits) => {
  const tensors = randomTensors(clipTextShapes(CONFIG, 77))
  const wanted = rowsOf(expected(CONFIG, roundedTensors(tensors, bits), TEXTS), 24)
  const rows = rowsOf(await embed(CONFIG, tensors, TEXTS, `int${bits}`), 24)
  // The kernel rounds activations to 8 bits on the way.
  for (const [index, row] of rows.entries()) {
    expect(Math.hypot(...row.map((value, at) => value - wanted[index]![at]!))).toBeLessThan(0.03)
  }
})

test('a text that projects to 0 stays 0 and is no NaN', async () => {
  const tensors = randomTensors(clipTextShapes(CONFIG, 77))
  tensors.set(TEXT_NAMES.projection, { shape: [24, 32], data: new Float32Array(24 * 32) })
  expect(await embed(CONFIG, tensors, [[1, 2, 3]])).toEqual(new Float32Array(24))
})

test('a text longer than the positions, or an id or end out of range, fails when the graph runs', () =>
  withGraph(async (graph) => {
    await expect(graph.run(inputs([Array(78).fill(1)]))).rejects.toThrow('invalid index')
    await expect(graph.run(inputs([[1, 60]]))).rejects.toThrow('out of data bounds')
    const { input_ids } = inputs([[1, 2]])
    const end = tensor('int64', [1], BigInt64Array.of(2n))
    await expect(graph.run({ input_ids, end })).rejects.toThrow('invalid index')
  }))

test.each([
  `${POSITIONS}.weight`,
  `${TEXT_NAMES.model}embeddings.token_embedding.weight`,
  `${TEXT_NAMES.model}encoder.layers.1.mlp.fc1.bias`,
  `${TEXT_NAMES.model}final_layer_norm.bias`,
  TEXT_NAMES.projection,
])('a checkpoint without %s, or with one of no dimensions, is refused', async (name) => {
  const tensors = randomTensors(clipTextShapes(CONFIG, 77))
  tensors.delete(name)
  const missing = buildClipText(CONFIG, heldWeights(tensors), TEXT_NAMES)
  await expect(missing).rejects.toThrow(CheckpointError)
  await expect(missing).rejects.toThrow(`${name} is missing`)
  const scalar = heldWeights(tensors.set(name, { shape: [], data: Float32Array.of(1) }))
  await expect(buildClipText(CONFIG, scalar, TEXT_NAMES)).rejects.toThrow('the checkpoint has []')
})

test.each<[string, Record<string, number[]>, number, string]>([
  ['60 rows for 248 positions', { '.weight': [60, 32] }, 248, '60 rows stretch to 180 positions'],
  ['100 rows for 77 positions', { '.weight': [100, 32] }, 77, 'shape [77, 32], the checkpoint has [100, 32]'],
  ['5 rows for 77 positions', { '.weight': [5, 32] }, 77, 'shape [77, 32], the checkpoint has [5, 32]'],
  ['another width', { '.weight': [77, 16] }, 248, 'shape [77, 32], the checkpoint has [77, 16]'],
  ['half of a pair', { '': [248, 32] }, 248, 'position_embedding_res is missing'],
  ['a pair of 248 for 77', { '': [248, 32], _res: [248, 32] }, 77, 'shape [77, 32], the checkpoint has'],
  ['a pair unlike itself', { '': [20, 32], _res: [248, 32] }, 248, 'the checkpoint has [20, 32]'],
])('a position table with %s is refused', async (_, tables, positions, message) => {
  const tensors = randomTensors(clipTextShapes(CONFIG, 77))
  tensors.delete(`${POSITIONS}.weight`)
  for (const [suffix, shape] of Object.entries(tables)) {
    tensors.set(POSITIONS + suffix, { shape, data: randomArray(shape[0]! * shape[1]!, 1) })
  }
  const failure = buildClipText({ ...CONFIG, positions }, heldWeights(tensors), TEXT_NAMES)
  await expect(failure).rejects.toThrow(CheckpointError)
  await expect(failure).rejects.toThrow(message)
})

test.each<[string, Partial<ClipTextConfig>]>([
  ['clipText.hiddenSize', { heads: 5 }],
  ['clipText.hiddenSize', { heads: 0 }],
  ['clipText.layers', { layers: 0 }],
  ['clipText.vocabularySize', { vocabularySize: -1 }],
  ['clipText.positions', { positions: 0.5 }],
  ['clipText.projectionSize', { projectionSize: Number.NaN }],
  ['clipText.activation', { activation: 'relu' as 'gelu' }],
  ['clipText.layerNormEpsilon', { layerNormEpsilon: 0 }],
])('a config with a wrong %s is refused', async (option, change) => {
  const failure = buildClipText({ ...CONFIG, ...change }, heldWeights(new Map()), TEXT_NAMES)
  await expect(failure).rejects.toThrow(InvalidOptionError)
  await expect(failure).rejects.toThrow(`${option}: expected`)
})
