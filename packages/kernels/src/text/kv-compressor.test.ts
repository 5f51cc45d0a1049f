import { expect, test } from 'vitest'
import { decoderOracle, decoderShapes, NAMES } from '../../test/decoder-oracle.js'
import { DecoderRun } from '../../test/decoder-run.js'
import { largestDifference, type Rows, rowsOf } from '../../test/oracle.js'
import { heldWeights, randomArray, randomTensors } from '../../test/random-weights.js'
import { floats, openGraph, type RunTensor, runGraph, tensor } from '../../test/run-graph.js'
import { buildDecoder, buildKvCompressor, type DecoderConfig } from '../index.js'

const CONFIG: DecoderConfig = {
  hiddenSize: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 32,
  intermediateSize: 40,
  vocabularySize: 50,
  rmsNormEpsilon: 1e-5,
  tiedHead: false,
  qkvBias: true,
}
const LENGTH = 24
const CAPACITY = 32
const FREQUENCIES = Array.from({ length: CONFIG.headDim / 2 }, (_, pair) => 300 ** (-pair / 16))
const TENSORS = randomTensors(decoderShapes(CONFIG))
const EMBEDS = randomArray(LENGTH * CONFIG.hiddenSize, 5)

const compress = (kv: 'int8' | 'int4', cache: RunTensor, length: number, seen = length) =>
  runGraph(buildKvCompressor(CONFIG, kv), {
    cache,
    length: tensor('int64', [1], BigInt64Array.of(BigInt(length))),
    seen: tensor('int64', [1], BigInt64Array.of(BigInt(seen))),
  })

/** Prefill of `count` tokens in fp32. */
async function prefill(count: number): Promise<DecoderRun> {
  const graph = await openGraph(await buildDecoder(CONFIG, heldWeights(TENSORS), NAMES))
  const run = new DecoderRun(graph, CONFIG, CAPACITY, FREQUENCIES)
  await run.step(EMBEDS.subarray(0, count * CONFIG.hiddenSize))
  await graph.release()
  return run
}

/** Compresses the first tokens of a cache: the quantised cache, and the scales as the decoder takes them. */
async function compressAll(run: DecoderRun, kv: 'int8' | 'int4', kept = run.length) {
  const cache: Record<string, RunTensor> = {}
  const scales: Record<string, RunTensor> = {}
  for (const [name, held] of Object.entries(run.cache)) {
    const { stored, scale } = await compress(kv, held, kept, run.length)
    const [, layer, kind] = name.split('.')
    cache[name] = stored!
    scales[`${kind === 'key' ? 'k' : 'v'}_scale.${layer}`] = scale!
  }
  return { cache, scales }
}

test.each(['int8', 'int4'] as const)(
  '%s is stored bit for bit as the attention kernel stores it',
  async (kv) => {
    const { cache, scales } = await compressAll(await prefill(LENGTH), kv)
    const graph = await openGraph(await buildDecoder(CONFIG, heldWeights(TENSORS), NAMES, { kv }))
    const run = new DecoderRun(graph, CONFIG, CAPACITY, FREQUENCIES, kv, scales)
    await run.step(EMBEDS)
    await graph.release()
    // Only the first layer sees the same inputs: after it the rounding has changed the stream.
    for (const name of ['past_key_values.0.key', 'past_key_values.0.value']) {
      const bytes = (data: RunTensor) => {
        const rows = rowsOf(data.data as Int8Array, data.dims[3]!)
        return rows.filter((_, row) => row % CAPACITY < LENGTH)
      }
      expect(bytes(cache[name]!)).toEqual(bytes(run.cache[name]!))
    }
  },
)

/** A head's rows after rounding to the scale of each channel and back. */
function roundTrip(rows: Rows, scale: ArrayLike<number>, [low, high]: readonly [number, number]): Rows {
  return rows.map((row) =>
    row.map((value, channel) => {
      const step = scale[channel]!
      return Math.min(high, Math.max(low, Math.round(value / step))) * step
    }),
  )
}

test.each([
  { kv: 'int8', range: [-128, 127], loss: 0.05 },
  { kv: 'int4', range: [-8, 7], loss: 0.5 },
] as const)('$kv: prefill in fp32, compress, go on token by token', async ({ kv, range, loss }) => {
  const held = 20
  const { cache, scales } = await compressAll(await prefill(LENGTH), kv, held)
  const graph = await openGraph(
    await buildDecoder(CONFIG, heldWeights(TENSORS), NAMES, { kv, attention: true }),
  )
  const run = new DecoderRun(graph, CONFIG, CAPACITY, FREQUENCIES, kv, scales)
  run.cache = cache
  run.length = held
  const rows = rowsOf(EMBEDS, CONFIG.hiddenSize)
  const expected = decoderOracle(CONFIG, TENSORS, rows, FREQUENCIES, {
    from: held,
    stored: (whole, kind, layer, head) => {
      const scale = scales[`${kind === 'key' ? 'k' : 'v'}_scale.${layer}`]!.data as Float32Array
      return roundTrip(whole, scale.subarray(head * CONFIG.headDim, (head + 1) * CONFIG.headDim), range)
    },
  })
  const exact = decoderOracle(CONFIG, TENSORS, rows, FREQUENCIES)
  for (let position = held; position < LENGTH; position++) {
    const start = position * CONFIG.hiddenSize
    const results = await run.step(EMBEDS.subarray(start, start + CONFIG.hiddenSize))
    const logits = results.logits!.data as Float32Array
    // Kernels for some processors round the query as well.
    expect(largestDifference(logits, expected.logits[position]!)).toBeLessThan(0.02)
    expect(largestDifference(logits, exact.logits[position]!)).toBeLessThan(loss)
    const sum = (results['attention.1']!.data as Float32Array).reduce((total, weight) => total + weight, 0)
    expect(sum).toBeCloseTo(1, 5)
  }
  await graph.release()
})

test('scales cover the tokens kept, and text with headroom; nothing else', async () => {
  const { kvHeads, headDim } = CONFIG
  const kept = 16
  const data = randomArray(kvHeads * CAPACITY * headDim, 3)
  for (let head = 0; head < kvHeads; head++) {
    data.fill(1e6, (head * CAPACITY + LENGTH) * headDim, (head + 1) * CAPACITY * headDim)
    // Text is larger on one half of the channels, smaller on the other.
    for (let token = kept; token < LENGTH; token++) {
      for (let channel = 0; channel < headDim; channel++)
        data[(head * CAPACITY + token) * headDim + channel]! *= channel % 2 === 0 ? 3 : 0.1
    }
  }
  const magnitudes = (index: number, from: number, to: number): number[] => {
    const [head, channel] = [Math.floor(index / headDim), index % headDim]
    const tokens = Array.from({ length: to - from }, (_, token) => from + token)
    return tokens.map((token) => Math.abs(data[(head * CAPACITY + token) * headDim + channel]!))
  }
  const { scale } = await compress('int8', floats([1, kvHeads, CAPACITY, headDim], data), kept, LENGTH)
  const expected = Float32Array.from({ length: kvHeads * headDim }, (_, index) => {
    const text = 1.5 * Math.max(...magnitudes(index, kept, LENGTH))
    return Math.max(...magnitudes(index, 0, kept), text) / 127
  })
  expect(largestDifference(scale!.data as Float32Array, expected)).toBeLessThan(1e-8)
})

test.each(['int8', 'int4'] as const)('%s: text like the text that was seen does not saturate', async (kv) => {
  const { kvHeads, headDim } = CONFIG
  const kept = 20
  const data = randomArray(kvHeads * LENGTH * headDim, 3).map((value, index) =>
    Math.floor(index / headDim) % LENGTH < kept ? value * 0.2 : value,
  )
  const { scale } = await compress(kv, floats([1, kvHeads, LENGTH, headDim], data), kept, LENGTH)
  const range = (scale!.data as Float32Array).map((step) => step * (kv === 'int8' ? 127 : 7))
  for (const [index, value] of data.entries()) {
    if (Math.floor(index / headDim) % LENGTH < kept) continue
    const head = Math.floor(index / headDim / LENGTH)
    expect(Math.abs(value)).toBeLessThan(range[head * headDim + (index % headDim)]!)
  }
})

test('a cache of zeros stays zeros', async () => {
  const { kvHeads, headDim } = CONFIG
  const zeros = floats([1, kvHeads, CAPACITY, headDim], new Float32Array(kvHeads * CAPACITY * headDim))
  const eight = await compress('int8', zeros, LENGTH)
  expect(new Set(eight.stored!.data as Int8Array)).toEqual(new Set([0]))
  const four = await compress('int4', zeros, LENGTH)
  expect(new Set(four.stored!.data as Uint8Array)).toEqual(new Set([0x88]))
})

test('int4 clips a rare outlier where that loses less', async () => {
  const { kvHeads, headDim } = CONFIG
  const tokens = 400
  const data = randomArray(kvHeads * tokens * headDim, 3)
  data[0] = 1.5
  const { scale } = await compress('int4', floats([1, kvHeads, tokens, headDim], data), tokens)
  expect((scale!.data as Float32Array)[0]).toBeCloseTo((0.7 * 1.5) / 7, 6)
  expect((scale!.data as Float32Array)[1]).toBeCloseTo(1 / 7, 2)
})
