import { CheckpointError, InvalidOptionError } from '@longtake/core'
import { expect, test } from 'vitest'
import { decoderOracle, decoderShapes, NAMES } from '../../test/decoder-oracle.js'
import { DecoderRun } from '../../test/decoder-run.js'
import { largestDifference, rowsOf } from '../../test/oracle.js'
import { heldWeights, randomArray, randomTensors } from '../../test/random-weights.js'
import { openGraph, type RunTensor } from '../../test/run-graph.js'
import { buildDecoder, type DecoderConfig, type DecoderOptions } from '../index.js'

const LLAMA: DecoderConfig = {
  hiddenSize: 24,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  intermediateSize: 40,
  vocabularySize: 50,
  rmsNormEpsilon: 1e-5,
  tiedHead: false,
  qkvBias: false,
}
const LENGTH = 13
const CAPACITY = 20

function frequencies({ headDim }: DecoderConfig): number[] {
  return Array.from({ length: headDim / 2 }, (_, pair) => 300 ** ((-2 * pair) / headDim))
}

/** Every position's logits and attention outputs, fed in chunks of the given sizes. */
async function runChunks(config: DecoderConfig, chunks: readonly number[], options: DecoderOptions = {}) {
  const tensors = randomTensors(decoderShapes(config))
  const embeds = randomArray(LENGTH * config.hiddenSize, 5)
  const model = await buildDecoder(config, heldWeights(tensors), NAMES, { logits: 'all', ...options })
  const graph = await openGraph(model)
  const run = new DecoderRun(graph, config, CAPACITY, frequencies(config))
  const logits: number[][] = []
  const attention: RunTensor[][] = []
  for (const count of chunks) {
    const start = run.length * config.hiddenSize
    const results = await run.step(embeds.subarray(start, start + count * config.hiddenSize))
    logits.push(...rowsOf(results.logits!.data as Float32Array, config.vocabularySize))
    attention.push(Array.from({ length: config.layers }, (_, layer) => results[`attention.${layer}`]!))
  }
  await graph.release()
  const rows = rowsOf(embeds, config.hiddenSize)
  return {
    logits,
    attention,
    cache: run.cache,
    expected: decoderOracle(config, tensors, rows, frequencies(config)),
  }
}

test.each<{ name: string; config: Partial<DecoderConfig> }>([
  { name: 'grouped heads, head size apart from hidden / heads, untied', config: {} },
  { name: 'as many key/value heads as heads, tied', config: { kvHeads: 4, tiedHead: true } },
  { name: 'biases on query, key and value', config: { qkvBias: true } },
  { name: 'biases everywhere', config: { qkvBias: true, outputBias: true, mlpBias: true } },
  { name: 'one head, one layer', config: { heads: 1, kvHeads: 1, headDim: 32, layers: 1 } },
  { name: 'heads of 8', config: { headDim: 8 } },
  { name: 'heads of 24', config: { headDim: 24 } },
])('all positions agree with the float64 oracle: $name', async ({ config }) => {
  const { logits, expected } = await runChunks({ ...LLAMA, ...config }, [LENGTH])
  expect(largestDifference(logits.flat(), expected.logits.flat())).toBeLessThan(1e-4)
})

test.each([
  { headDim: 16, chunks: [5, 4, 4] },
  { headDim: 16, chunks: Array<number>(LENGTH).fill(1) },
  { headDim: 16, chunks: [1, 11, 1] },
  { headDim: 24, chunks: [5, 1, 7] },
])('heads of $headDim in chunks $chunks give what one prefill gives', async ({ headDim, chunks }) => {
  const { logits, expected } = await runChunks({ ...LLAMA, headDim }, chunks)
  expect(largestDifference(logits.flat(), expected.logits.flat())).toBeLessThan(1e-4)
})

test('logits of the last position only', async () => {
  const { logits, expected } = await runChunks(LLAMA, [5, 7, 1], { logits: 'last' })
  const ends = [4, 11, 12].map((row) => expected.logits[row]!)
  expect(largestDifference(logits.flat(), ends.flat())).toBeLessThan(1e-4)
})

test('the cache holds the rotated keys and the values of every position, and zeros beyond', async () => {
  const { cache, expected } = await runChunks(LLAMA, [5, 8])
  const padding = Array.from({ length: CAPACITY - LENGTH }, () => Array<number>(LLAMA.headDim).fill(0))
  for (const layer of [0, 1]) {
    for (const [kind, heads] of [
      ['key', expected.keys[layer]!],
      ['value', expected.values[layer]!],
    ] as const) {
      const whole = heads.flatMap((head) => [...head, ...padding]).flat()
      const held = cache[`past_key_values.${layer}.${kind}`]!
      expect(held.dims).toEqual([1, LLAMA.kvHeads, CAPACITY, LLAMA.headDim])
      expect(largestDifference(held.data as Float32Array, whole)).toBeLessThan(1e-5)
    }
  }
})

test('attention of the last token over all positions, mean over the heads', async () => {
  const { attention, expected } = await runChunks(LLAMA, [5, 7, 1], { attention: true })
  for (const [chunk, end] of [5, 12, 13].entries()) {
    for (const [layer, heads] of expected.attention.entries()) {
      const rows = heads.map((head) => head[end - 1]!.slice(0, end))
      const mean = rows[0]!.map((_, key) => rows.reduce((sum, row) => sum + row[key]!, 0) / rows.length)
      const output = attention[chunk]![layer]!
      expect(output.dims).toEqual([1, end])
      expect(largestDifference(output.data as Float32Array, mean)).toBeLessThan(1e-5)
    }
  }
})

test('a missing or misshapen tensor is named', async () => {
  const tensors = randomTensors(decoderShapes(LLAMA))
  tensors.delete(`${NAMES.model}layers.1.mlp.up_proj.weight`)
  await expect(buildDecoder(LLAMA, heldWeights(tensors), NAMES)).rejects.toThrow(
    'layers.1.mlp.up_proj.weight',
  )
  const other = heldWeights(randomTensors(decoderShapes({ ...LLAMA, kvHeads: 4 })))
  const failure = buildDecoder(LLAMA, other, NAMES)
  await expect(failure).rejects.toThrow(CheckpointError)
  await expect(failure).rejects.toThrow(
    'layers.0.self_attn.k_proj.weight: the config asks for shape [32, 24]',
  )
})

test.each<[string, Partial<DecoderConfig>, DecoderOptions]>([
  ['decoder.heads', { kvHeads: 3 }, {}],
  ['decoder.headDim', { headDim: 12 }, {}],
  ['decoder.layers', { layers: 0.5 }, {}],
  ['decoder.rmsNormEpsilon', { rmsNormEpsilon: 0 }, {}],
  ['kv', {}, { kv: 'fp16' as 'fp32' }],
  ['weights', {}, { weights: 'fp16' as 'fp32' }],
  ['logits', {}, { logits: 'first' as 'last' }],
])('a wrong %s is refused', async (option, change, options) => {
  const failure = buildDecoder({ ...LLAMA, ...change }, heldWeights(new Map()), NAMES, options)
  await expect(failure).rejects.toThrow(InvalidOptionError)
  await expect(failure).rejects.toThrow(`${option}: expected`)
})
