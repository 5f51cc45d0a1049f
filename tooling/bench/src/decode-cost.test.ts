import { expect, test } from 'vitest'
import { stepBytes, stepFlops } from './decode-cost.js'
import { buildRandomDecoder, decoderConfig, matrixElements } from './decode-model.js'

const CONFIG = decoderConfig(64, 128)
/** By hand, one layer: q and o 2·64·512, k and v 2·64·256, three of 64·128. */
const LAYER = 2 * 64 * 512 + 2 * 64 * 256 + 3 * 64 * 128
const HEAD = 1024 * 64

test('every matrix counts once, the head too', () => {
  expect(matrixElements(CONFIG)).toBe(8 * LAYER + HEAD)
})

test('the built graph carries exactly these weights', async () => {
  const { weights } = await buildRandomDecoder(CONFIG, 'fp32')
  const matrices = weights
    .flatMap(({ parts }) => parts.map(({ bytes }) => bytes))
    .filter((bytes) => bytes > 64 * 4)
  expect(matrices.reduce((sum, bytes) => sum + bytes, 0)).toBe(4 * matrixElements(CONFIG))
})

test('bytes of a step: weights, and keys and values with the new token', () => {
  const cache = 8 * 2 * 4 * 64 * 513 * 4
  expect(stepBytes(CONFIG, 'fp32', 512)).toBe(4 * matrixElements(CONFIG) + cache)
  expect(stepBytes(CONFIG, 'int4', 512)).toBe(0.625 * matrixElements(CONFIG) + cache)
  // an eighth of the bytes, and a scale for each of 64 channels of 8 layers' 4 heads of keys and of values
  const scales = 8 * 2 * 4 * 64 * 4
  expect(stepBytes(CONFIG, 'fp32', 512, 'int4')).toBe(4 * matrixElements(CONFIG) + cache / 8 + scales)
})

test('operations of a step and of a prefill', () => {
  // one token over 1 held: 2 positions, 4 operations for each of 8·64 channels in 8 layers
  expect(stepFlops(CONFIG, 1, 1)).toBe(2 * (8 * LAYER + HEAD) + 4 * 8 * 8 * 64 * 2)
  // two tokens over nothing see 1 + 2 positions; the head runs for the last one only
  expect(stepFlops(CONFIG, 0, 2)).toBe(2 * (8 * LAYER * 2 + HEAD) + 4 * 8 * 8 * 64 * 3)
})
