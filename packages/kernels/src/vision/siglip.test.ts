import { CheckpointError, InvalidOptionError } from '@longtake/core'
import { expect, test } from 'vitest'
import { largestDifference, type Rows, rowsOf } from '../../test/oracle.js'
import { heldWeights, randomArray, randomTensors } from '../../test/random-weights.js'
import { floats, runGraph } from '../../test/run-graph.js'
import { blockShapes, spatialBlock } from '../../test/vision-oracle.js'
import { buildVisionEncoder, type VisionConfig } from '../index.js'

const PREFIX = 'vision_tower.vision_model.'

/** 14 pixels in patches of 4: three a side, and two pixels that fill none. */
const SIGLIP: VisionConfig = {
  kind: 'siglip',
  hiddenSize: 32,
  layers: 3,
  heads: 4,
  intermediateSize: 64,
  imageSize: 14,
  patchSize: 4,
  activation: 'gelu_pytorch_tanh',
  layerNormEpsilon: 1e-6,
  temporalFrames: 0,
  featureLayer: -1,
  keepClassToken: false,
}
const CELLS = 9

const TENSORS = randomTensors(
  Object.fromEntries(
    Object.entries({
      'embeddings.patch_embedding.weight': [32, 3, 4, 4],
      'embeddings.patch_embedding.bias': [32],
      'embeddings.position_embedding.weight': [CELLS, 32],
      ...Object.assign({}, ...[0, 1, 2].map((layer) => blockShapes(32, 64, `encoder.layers.${layer}.`))),
    }).map(([name, shape]) => [PREFIX + name, shape as number[]]),
  ),
)

function get(name: string): Float32Array {
  const tensor = TENSORS.get(PREFIX + name)
  if (tensor === undefined) throw new Error(`${name} is not drawn`)
  return tensor.data
}

/** One picture's patches, each times the kernel, with bias and position. */
function embed({ imageSize: side, patchSize: patch, hiddenSize }: VisionConfig, pixels: Float32Array): Rows {
  const kernels = rowsOf(get('embeddings.patch_embedding.weight'), 3 * patch * patch)
  const positions = rowsOf(get('embeddings.position_embedding.weight'), hiddenSize)
  const bias = get('embeddings.patch_embedding.bias')
  return positions.map((position, cell) => {
    const [top, left] = [Math.floor(cell / 3) * patch, (cell % 3) * patch]
    const window = Array.from({ length: 3 * patch * patch }, (_, at) => {
      const [channel, y, x] = [Math.floor(at / patch ** 2), Math.floor(at / patch) % patch, at % patch]
      return pixels[(channel * side + top + y) * side + left + x] ?? Number.NaN
    })
    return kernels.map((kernel, channel) => {
      const sum = kernel.reduce((total, weight, at) => total + weight * (window[at] ?? Number.NaN), 0)
      return sum + (bias[channel] ?? Number.NaN) + (position[channel] ?? Number.NaN)
    })
  })
}

test.each([-1, -2, 0])('feature layer %i agrees with the float64 oracle', async (featureLayer) => {
  const config = { ...SIGLIP, featureLayer }
  const pixels = randomArray(2 * 3 * 14 * 14, 7, 2)
  const model = await buildVisionEncoder(config, heldWeights(TENSORS), PREFIX)
  const { features } = await runGraph(model, { pixel_values: floats([2, 3, 14, 14], pixels) })
  expect(features?.dims).toEqual([2, CELLS, 32])
  const layers = featureLayer < 0 ? config.layers + 1 + featureLayer : featureLayer
  const expected = [0, 1].flatMap((frame) => {
    let rows = embed(config, pixels.subarray(frame * 588, (frame + 1) * 588))
    for (let layer = 0; layer < layers; layer++) {
      rows = spatialBlock(config, get, `encoder.layers.${layer}.`, rows)
    }
    return rows.flat()
  })
  expect(largestDifference(features?.data as Float32Array, expected)).toBeLessThan(1e-4)
})

test.each<[string, Partial<VisionConfig>]>([
  ['vision.keepClassToken', { keepClassToken: true }],
  ['vision.temporalFrames', { temporalFrames: 2 }],
  ['vision.btAdapter', { btAdapter: { depth: 1, frames: 2 } }],
  ['vision.imageSize', { imageSize: 3 }],
  ['vision.patchSize', { patchSize: 0 }],
  ['vision.kind', { kind: 'dino' as 'siglip' }],
])('a config with a wrong %s is refused', async (option, change) => {
  const failure = buildVisionEncoder({ ...SIGLIP, ...change }, heldWeights(TENSORS), PREFIX)
  await expect(failure).rejects.toThrow(InvalidOptionError)
  await expect(failure).rejects.toThrow(`${option}: expected`)
})

test.each(['embeddings.patch_embedding.bias', 'embeddings.position_embedding.weight'])(
  'a tower without %s is refused',
  async (name) => {
    const tensors = new Map(TENSORS)
    tensors.delete(PREFIX + name)
    const failure = buildVisionEncoder(SIGLIP, heldWeights(tensors), PREFIX)
    await expect(failure).rejects.toThrow(CheckpointError)
    await expect(failure).rejects.toThrow(`${PREFIX}${name} is missing`)
  },
)
