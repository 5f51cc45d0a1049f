import { CheckpointError, InvalidOptionError } from '@longtake/core'
import { expect, test } from 'vitest'
import { dot, largestDifference, layerNorm, linear, type Rows, rowsOf, unitRows } from '../../test/oracle.js'
import {
  type Held,
  heldWeights,
  randomArray,
  randomTensors,
  roundedTensors,
} from '../../test/random-weights.js'
import { floats, runGraph } from '../../test/run-graph.js'
import {
  type AlignmentConfig,
  type AlignmentNames,
  buildAlignment,
  buildRelevance,
  type WeightType,
} from '../index.js'

const [FRAMES, TOKENS, WIDTH, ALIGNED] = [3, 10, 32, 24]

const CONFIG: AlignmentConfig = {
  inputSize: WIDTH,
  alignmentSize: ALIGNED,
  layerNormEpsilon: 1e-5,
  classToken: true,
}

const NAMES: AlignmentNames = {
  norm: 'multi_modal_projector.clip_visual_ln',
  projection: 'multi_modal_projector.clip_visual_projection.weight',
}

const SHAPES = {
  [`${NAMES.norm}.weight`]: [WIDTH],
  [`${NAMES.norm}.bias`]: [WIDTH],
  [NAMES.projection]: [ALIGNED, WIDTH],
}

const FEATURES = randomArray(FRAMES * TOKENS * WIDTH, 4, 3)

async function align(
  config: AlignmentConfig,
  tensors: ReadonlyMap<string, Held>,
  weights: WeightType = 'fp32',
): Promise<Float32Array> {
  const model = await buildAlignment(config, heldWeights(tensors), NAMES, { weights })
  const { alignment } = await runGraph(model, { features: floats([FRAMES, TOKENS, WIDTH], FEATURES) })
  expect(alignment!.dims).toEqual([FRAMES, config.classToken ? TOKENS - 1 : TOKENS, ALIGNED])
  return alignment!.data as Float32Array
}

function oracle({ classToken, layerNormEpsilon }: AlignmentConfig, tensors: ReadonlyMap<string, Held>): Rows {
  const get = (name: string) => tensors.get(name)!.data
  const rows = rowsOf(FEATURES, WIDTH).filter((_, row) => !classToken || row % TOKENS !== 0)
  const normed = layerNorm(rows, get(`${NAMES.norm}.weight`), get(`${NAMES.norm}.bias`), layerNormEpsilon)
  return unitRows(linear(normed, get(NAMES.projection)))
}

test.each([true, false])('patches by frame, class token to leave out: %s', async (classToken) => {
  const config = { ...CONFIG, classToken }
  const tensors = randomTensors(SHAPES)
  const alignment = await align(config, tensors)
  expect(largestDifference(alignment, oracle(config, tensors).flat())).toBeLessThan(1e-5)
  for (const row of rowsOf(alignment, ALIGNED)) expect(Math.hypot(...row)).toBeCloseTo(1, 5)
})

test("the norm's epsilon is the config's", async () => {
  const config = { ...CONFIG, layerNormEpsilon: 0.7 }
  const tensors = randomTensors(SHAPES)
  expect(largestDifference(await align(config, tensors), oracle(config, tensors).flat())).toBeLessThan(1e-5)
})

test.each([8, 4] as const)('int%i matrices agree with an oracle of rounded ones', async (bits) => {
  const tensors = randomTensors(SHAPES)
  const expected = oracle(CONFIG, roundedTensors(tensors, bits))
  const rows = rowsOf(await align(CONFIG, tensors, `int${bits}`), ALIGNED)
  for (const [index, row] of rows.entries()) {
    expect(Math.hypot(...row.map((value, at) => value - expected[index]![at]!))).toBeLessThan(0.03)
  }
})

test('patches that project to 0 stay 0 and are no NaN', async () => {
  const tensors = randomTensors(SHAPES)
  tensors.set(NAMES.projection, { shape: [ALIGNED, WIDTH], data: new Float32Array(ALIGNED * WIDTH) })
  const alignment = await align(CONFIG, tensors)
  expect(alignment.every((value) => value === 0)).toBe(true)
})

test('very small and very large features are aligned like those of ordinary size', async () => {
  const tensors = randomTensors({ ...SHAPES, [NAMES.projection]: [ALIGNED, WIDTH] })
  const projection = tensors.get(NAMES.projection)!
  const expected = oracle(CONFIG, tensors).flat()
  for (const scale of [1e-15, 1e15]) {
    const data = projection.data.map((value) => value * scale)
    const scaled = new Map(tensors).set(NAMES.projection, { ...projection, data })
    expect(largestDifference(await align(CONFIG, scaled), expected)).toBeLessThan(1e-5)
  }
})

test.each(Object.keys(SHAPES))(
  'a checkpoint without %s, or with one of no dimensions, is refused',
  async (name) => {
    const tensors = randomTensors(SHAPES)
    tensors.delete(name)
    const missing = buildAlignment(CONFIG, heldWeights(tensors), NAMES)
    await expect(missing).rejects.toThrow(CheckpointError)
    await expect(missing).rejects.toThrow(`${name} is missing`)
    const scalar = heldWeights(tensors.set(name, { shape: [], data: Float32Array.of(1) }))
    await expect(buildAlignment(CONFIG, scalar, NAMES)).rejects.toThrow('the checkpoint has []')
  },
)

test.each<[string, Partial<AlignmentConfig>]>([
  ['alignment.inputSize', { inputSize: 0 }],
  ['alignment.alignmentSize', { alignmentSize: 1.5 }],
  ['alignment.layerNormEpsilon', { layerNormEpsilon: -1 }],
])('a config with a wrong %s is refused', async (option, change) => {
  const failure = buildAlignment({ ...CONFIG, ...change }, heldWeights(randomTensors(SHAPES)), NAMES)
  await expect(failure).rejects.toThrow(InvalidOptionError)
  await expect(failure).rejects.toThrow(`${option}: expected`)
})

test('relevance is the cosine of each patch with the text', async () => {
  const patches = unitRows(rowsOf(randomArray(40 * ALIGNED, 8), ALIGNED))
  const [text] = unitRows(rowsOf(randomArray(ALIGNED, 9), ALIGNED))
  const { cosine } = await runGraph(buildRelevance(ALIGNED), {
    alignment: floats([42, ALIGNED], Float32Array.from([...patches, text!, text!.map((x) => -x)].flat())),
    text: floats([ALIGNED], Float32Array.from(text!)),
  })
  expect(cosine!.dims).toEqual([42])
  const expected = [...patches.map((patch) => dot(patch, text!)), 1, -1]
  expect(largestDifference(cosine!.data as Float32Array, expected)).toBeLessThan(1e-6)
})

test('a width that is no count is refused', () => {
  expect(() => buildRelevance(0)).toThrow(InvalidOptionError)
  expect(() => buildRelevance(0)).toThrow('alignmentSize: expected')
})
