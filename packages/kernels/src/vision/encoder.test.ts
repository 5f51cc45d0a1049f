import { CheckpointError, InvalidOptionError } from '@longtake/core'
import { expect, test } from 'vitest'
import { largestDifference } from '../../test/oracle.js'
import { heldWeights, randomArray, randomTensors } from '../../test/random-weights.js'
import { floats, runGraph } from '../../test/run-graph.js'
import { visionOracle, visionShapes } from '../../test/vision-oracle.js'
import { buildVisionEncoder, type VisionConfig } from '../index.js'

const PREFIX = 'video_tower.vision_model.'

const LANGUAGE_BIND: VisionConfig = {
  hiddenSize: 32,
  layers: 3,
  heads: 4,
  intermediateSize: 64,
  imageSize: 12,
  patchSize: 4,
  activation: 'gelu',
  layerNormEpsilon: 1e-5,
  temporalFrames: 8,
  featureLayer: -2,
  keepClassToken: true,
}

async function difference(config: VisionConfig, frames: number): Promise<number> {
  const tensors = randomTensors(visionShapes(config, PREFIX))
  const { imageSize } = config
  const pixels = randomArray(frames * 3 * imageSize * imageSize, 7, 2)
  const model = await buildVisionEncoder(config, heldWeights(tensors), PREFIX)
  const { features } = await runGraph(model, {
    pixel_values: floats([frames, 3, imageSize, imageSize], pixels),
  })
  const expected = visionOracle(config, tensors, PREFIX, pixels)
  expect(features?.dims).toEqual([frames, expected.length / frames, config.hiddenSize])
  return largestDifference(features!.data as Float32Array, expected.flat())
}

test('two clips through a LanguageBind tower agree with the float64 oracle', async () => {
  expect(await difference(LANGUAGE_BIND, 16)).toBeLessThan(1e-4)
})

test.each(['quick_gelu', 'gelu', 'gelu_pytorch_tanh'] as const)('activation %s', async (activation) => {
  expect(await difference({ ...LANGUAGE_BIND, activation, layers: 2 }, 8)).toBeLessThan(1e-4)
})

test.each([
  { temporalFrames: 0, keepClassToken: false, frames: 3 },
  { temporalFrames: 0, keepClassToken: true, frames: 1 },
  { temporalFrames: 4, keepClassToken: false, frames: 12 },
])(
  '$frames frames, clips of $temporalFrames, class token kept: $keepClassToken',
  async ({ frames, ...other }) => {
    expect(await difference({ ...LANGUAGE_BIND, ...other }, frames)).toBeLessThan(1e-4)
  },
)

test.each([
  { mode: 'average', stride: 2 },
  { mode: 'max', stride: 3 },
  { mode: 'average', stride: 1 },
] as const)('squares of patches are made one: $mode, $stride', async (pool) => {
  const config = { ...LANGUAGE_BIND, imageSize: 20, temporalFrames: 0, keepClassToken: false }
  const tensors = randomTensors(visionShapes(config, PREFIX))
  const pixels = randomArray(2 * 3 * 20 * 20, 7, 2)
  const model = await buildVisionEncoder({ ...config, pool }, heldWeights(tensors), PREFIX)
  const { features } = await runGraph(model, { pixel_values: floats([2, 3, 20, 20], pixels) })
  const rows = visionOracle(config, tensors, PREFIX, pixels)
  const goal = Math.floor(5 / pool.stride)
  const expected: number[] = []
  for (const frame of [rows.slice(0, 25), rows.slice(25)]) {
    for (let cell = 0; cell < goal * goal; cell++) {
      const members = frame.filter((_, at) => {
        const [row, column] = [Math.floor(at / 5 / pool.stride), Math.floor((at % 5) / pool.stride)]
        return row === Math.floor(cell / goal) && column === cell % goal
      })
      for (let channel = 0; channel < config.hiddenSize; channel++) {
        const values = members.map((member) => member[channel]!)
        const sum = values.reduce((total, value) => total + value, 0)
        expected.push(pool.mode === 'max' ? Math.max(...values) : sum / values.length)
      }
    }
  }
  expect(features?.dims).toEqual([2, goal * goal, config.hiddenSize])
  expect(largestDifference(features!.data as Float32Array, expected)).toBeLessThan(1e-4)
})

test('a rest that fills no patch is left out', async () => {
  expect(await difference({ ...LANGUAGE_BIND, imageSize: 15 }, 8)).toBeLessThan(1e-4)
})

test.each([0, 1, 3, -1, -4])('feature layer %i', async (featureLayer) => {
  expect(await difference({ ...LANGUAGE_BIND, temporalFrames: 2, featureLayer }, 4)).toBeLessThan(1e-4)
})

test('8-bit matrices stay near the float64 oracle', async () => {
  const config = { ...LANGUAGE_BIND, featureLayer: -1 }
  const tensors = randomTensors(visionShapes(config, PREFIX))
  const pixels = randomArray(8 * 3 * 12 * 12, 7, 2)
  const model = await buildVisionEncoder(config, heldWeights(tensors), PREFIX, { weights: 'int8' })
  const { features } = await runGraph(model, { pixel_values: floats([8, 3, 12, 12], pixels) })
  const expected = visionOracle(config, tensors, PREFIX, pixels).flat()
  const actual = features!.data as Float32Array
  const error = Math.hypot(...expected.map((value, at) => value - actual[at]!))
  expect(error / Math.hypot(...expected)).toBeLessThan(0.03)
})

test('layers after the selected one are not needed', async () => {
  const config = { ...LANGUAGE_BIND, featureLayer: 1 }
  const tensors = randomTensors(visionShapes({ ...config, layers: 1 }, PREFIX))
  await expect(buildVisionEncoder(config, heldWeights(tensors), PREFIX)).resolves.toBeDefined()
  const deeper = buildVisionEncoder({ ...config, featureLayer: 2 }, heldWeights(tensors), PREFIX)
  await expect(deeper).rejects.toThrow(CheckpointError)
  await expect(deeper).rejects.toThrow('encoder.layers.1.')
})

test.each<[string, Partial<VisionConfig>]>([
  ['vision.hiddenSize', { hiddenSize: 30 }],
  ['vision.imageSize', { imageSize: 3 }],
  ['vision.featureLayer', { featureLayer: 4 }],
  ['vision.featureLayer', { featureLayer: -5 }],
  ['vision.layers', { layers: 0 }],
  ['vision.pool.stride', { keepClassToken: false, pool: { mode: 'max', stride: 4 } }],
  ['vision.pool.mode', { keepClassToken: false, pool: { mode: 'conv' as 'max', stride: 2 } }],
  ['vision.keepClassToken', { pool: { mode: 'average', stride: 2 } }],
  ['vision.temporalFrames', { temporalFrames: -1 }],
  ['vision.layerNormEpsilon', { layerNormEpsilon: Number.NaN }],
  ['vision.activation', { activation: 'relu' as 'gelu' }],
])('a config with a wrong %s is refused', async (option, change) => {
  const failure = buildVisionEncoder({ ...LANGUAGE_BIND, ...change }, heldWeights(new Map()), PREFIX)
  await expect(failure).rejects.toThrow(InvalidOptionError)
  await expect(failure).rejects.toThrow(`${option}: expected`)
})
