import { CheckpointError, InvalidOptionError } from '@longtake/core'
import { expect, test } from 'vitest'
import { type AdapterConfig, adapterOracle, adapterShapes } from '../../test/bt-adapter-oracle.js'
import { relativeDifference } from '../../test/oracle.js'
import { heldWeights, randomArray, randomTensors } from '../../test/random-weights.js'
import { floats, openGraph, runGraph } from '../../test/run-graph.js'
import { visionOracle } from '../../test/vision-oracle.js'
import { buildVisionEncoder, type VisionConfig } from '../index.js'

const PREFIX = 'vision_tower.vision_model.'

const PPLLAVA: AdapterConfig = {
  hiddenSize: 32,
  layers: 4,
  heads: 4,
  intermediateSize: 64,
  imageSize: 12,
  patchSize: 4,
  activation: 'quick_gelu',
  layerNormEpsilon: 1e-5,
  temporalFrames: 0,
  featureLayer: -2,
  keepClassToken: true,
  btAdapter: { depth: 3, frames: 6 },
}

const TENSORS = randomTensors(adapterShapes(PPLLAVA, PREFIX))

function clip(frames: number): Float32Array<ArrayBuffer> {
  return randomArray(frames * 3 * PPLLAVA.imageSize ** 2, 7, 2)
}

async function encode(config: VisionConfig, frames: number, tensors = TENSORS): Promise<Float32Array> {
  const model = await buildVisionEncoder(config, heldWeights(tensors), PREFIX)
  const { features } = await runGraph(model, { pixel_values: floats([frames, 3, 12, 12], clip(frames)) })
  expect(features!.dims).toEqual([frames, config.keepClassToken ? 10 : 9, config.hiddenSize])
  return features!.data as Float32Array
}

async function difference(config: AdapterConfig, frames: number): Promise<number> {
  const tensors = randomTensors(adapterShapes(config, PREFIX))
  const expected = adapterOracle(config, tensors, PREFIX, clip(frames))
  return relativeDifference(await encode(config, frames, tensors), expected.flat())
}

test.each([1, 2, 5, 6])('a clip of %i frames agrees with the float64 oracle', async (frames) => {
  expect(await difference(PPLLAVA, frames)).toBeLessThan(1e-5)
})

test.each([
  { depth: 1, featureLayer: -1 },
  { depth: 1, featureLayer: -2 },
  { depth: 3, featureLayer: 2 },
  { depth: 3, featureLayer: -1 },
  { depth: 4, featureLayer: -1 },
  { depth: 4, featureLayer: 0 },
])('depth $depth, feature layer $featureLayer', async ({ depth, featureLayer }) => {
  const config = { ...PPLLAVA, featureLayer, btAdapter: { depth, frames: 4 } }
  expect(await difference(config, 3)).toBeLessThan(1e-5)
})

test('without the class token, with another activation', async () => {
  const config: AdapterConfig = { ...PPLLAVA, keepClassToken: false, activation: 'gelu' }
  expect(await difference(config, 4)).toBeLessThan(1e-5)
})

test('norms of the branch have an epsilon of their own', async () => {
  expect(await difference({ ...PPLLAVA, layerNormEpsilon: 0.5 }, 4)).toBeLessThan(1e-5)
})

test('the branch reaches patches from other frames, and never the class token', async () => {
  const { btAdapter: _, ...plain } = PPLLAVA
  const [own, without] = [await encode(PPLLAVA, 3), await encode(plain, 3)]
  const width = PPLLAVA.hiddenSize
  for (const start of [0, 10 * width, 20 * width]) {
    expect(own.slice(start, start + width)).toEqual(without.slice(start, start + width))
    const patches = Array.from(without.slice(start + width, start + 10 * width))
    expect(relativeDifference(own.slice(start + width, start + 10 * width), patches)).toBeGreaterThan(0.01)
  }
  const alone = await encode(PPLLAVA, 1)
  expect(relativeDifference(own.slice(width, 10 * width), Array.from(alone.slice(width)))).toBeGreaterThan(
    0.001,
  )
})

test('layers without effect are not needed', async () => {
  const idle = /encoder\.layers\.3|btadapter_[ST]_layers\.2/
  const without = new Map([...TENSORS].filter(([name]) => !idle.test(name)))
  expect(TENSORS.size - without.size).toBe(16 + 16 + 12)
  await expect(buildVisionEncoder(PPLLAVA, heldWeights(without), PREFIX)).resolves.toBeDefined()
  const last = buildVisionEncoder({ ...PPLLAVA, featureLayer: -1 }, heldWeights(without), PREFIX)
  await expect(last).rejects.toThrow('encoder.layers.3.')
})

test('a branch that begins after the selected layer leaves an ordinary tower', async () => {
  const config = { ...PPLLAVA, featureLayer: 1 }
  const { btAdapter: _, ...plain } = config
  const expected = visionOracle(plain, TENSORS, PREFIX, clip(2)).flat()
  const branchless = new Map([...TENSORS].filter(([name]) => !name.includes('btadapter')))
  expect(relativeDifference(await encode(config, 2, branchless), expected)).toBeLessThan(1e-5)
})

test('more frames than the time table has fail when the graph runs', async () => {
  for (const frames of [1, 6]) {
    const config = { ...PPLLAVA, btAdapter: { depth: 3, frames } }
    const tensors = randomTensors(adapterShapes(config, PREFIX))
    const graph = await openGraph(await buildVisionEncoder(config, heldWeights(tensors), PREFIX))
    const run = graph.run({ pixel_values: floats([frames + 1, 3, 12, 12], clip(frames + 1)) })
    await expect(run).rejects.toThrow('invalid index')
    await graph.release()
  }
})

test('8-bit matrices stay near the float64 oracle', async () => {
  const model = await buildVisionEncoder(PPLLAVA, heldWeights(TENSORS), PREFIX, { weights: 'int8' })
  const { features } = await runGraph(model, { pixel_values: floats([4, 3, 12, 12], clip(4)) })
  const expected = adapterOracle(PPLLAVA, TENSORS, PREFIX, clip(4)).flat()
  const actual = features!.data as Float32Array
  const error = Math.hypot(...expected.map((value, at) => value - actual[at]!))
  expect(error / Math.hypot(...expected)).toBeLessThan(0.03)
})

test.each([
  'btadapter_time_embed.weight',
  'btadapter_cls_token',
  'btadapter_T_layers.0.temporal_fc.bias',
  'btadapter_T_layers.1.self_attn.k_proj.weight',
  'btadapter_S_layers.1.mlp.fc2.weight',
])('a tower without %s, or with one of no dimensions, is refused', async (name) => {
  const missing = new Map(TENSORS)
  missing.delete(PREFIX + name)
  const failure = buildVisionEncoder(PPLLAVA, heldWeights(missing), PREFIX)
  await expect(failure).rejects.toThrow(CheckpointError)
  await expect(failure).rejects.toThrow(`${PREFIX}${name} is missing`)
  const scalar = heldWeights(new Map(TENSORS).set(PREFIX + name, { shape: [], data: Float32Array.of(1) }))
  await expect(buildVisionEncoder(PPLLAVA, scalar, PREFIX)).rejects.toThrow(
    /the config asks for shape \[.+\], the checkpoint has \[\]/,
  )
})

test('a time table of other rows is refused', async () => {
  const config = { ...PPLLAVA, btAdapter: { depth: 3, frames: 64 } }
  await expect(buildVisionEncoder(config, heldWeights(TENSORS), PREFIX)).rejects.toThrow(
    'btadapter_time_embed.weight: the config asks for shape [64, 32], the checkpoint has [6, 32]',
  )
})

test.each<[string, Partial<VisionConfig>]>([
  ['vision.btAdapter.depth', { btAdapter: { depth: 0, frames: 6 } }],
  ['vision.btAdapter.depth', { btAdapter: { depth: 5, frames: 6 } }],
  ['vision.btAdapter.frames', { btAdapter: { depth: 3, frames: 0.5 } }],
  ['vision.temporalFrames', { temporalFrames: 2 }],
  ['vision.hiddenSize', { heads: 5 }],
])('a config with a wrong %s is refused', async (option, change) => {
  const failure = buildVisionEncoder({ ...PPLLAVA, ...change }, heldWeights(TENSORS), PREFIX)
  await expect(failure).rejects.toThrow(InvalidOptionError)
  await expect(failure).rejects.toThrow(`${option}: expected`)
})
