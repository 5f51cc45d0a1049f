import { CheckpointError, InvalidOptionError } from '@longtake/core'
import { expect, test } from 'vitest'
import { activations, largestDifference, linear, rowsOf } from '../test/oracle.js'
import { heldWeights, randomArray, randomTensors } from '../test/random-weights.js'
import { floats, runGraph } from '../test/run-graph.js'
import { buildProjector, type ProjectorConfig } from './index.js'

const LAYERS = ['p.linear_1', 'p.linear_2'] as const
const CONFIG: ProjectorConfig = { inputSize: 12, outputSize: 20, activation: 'gelu' }
const SHAPES = {
  'p.linear_1.weight': [20, 12],
  'p.linear_1.bias': [20],
  'p.linear_2.weight': [20, 20],
  'p.linear_2.bias': [20],
}

test.each(['gelu', 'gelu_pytorch_tanh', 'quick_gelu'] as const)('projector with %s', async (activation) => {
  const tensors = randomTensors(SHAPES)
  const features = randomArray(3 * 5 * 12, 9, 2)
  const model = await buildProjector({ ...CONFIG, activation }, heldWeights(tensors), LAYERS)
  const { visual_tokens: tokens } = await runGraph(model, { features: floats([3, 5, 12], features) })
  const get = (name: string) => tensors.get(`p.${name}`)!.data
  const wide = linear(rowsOf(features, 12), get('linear_1.weight'), get('linear_1.bias'))
  const active = wide.map((row) => row.map(activations[activation]))
  const expected = linear(active, get('linear_2.weight'), get('linear_2.bias'))
  expect(tokens!.dims).toEqual([3, 5, 20])
  expect(largestDifference(tokens!.data as Float32Array, expected.flat())).toBeLessThan(1e-5)
})

test('a missing or misshapen tensor is named', async () => {
  const missing = randomTensors(SHAPES)
  missing.delete('p.linear_2.bias')
  await expect(buildProjector(CONFIG, heldWeights(missing), LAYERS)).rejects.toThrow('p.linear_2.bias')
  const misshapen = heldWeights(randomTensors({ ...SHAPES, 'p.linear_1.weight': [12, 20] }))
  const failure = buildProjector(CONFIG, misshapen, LAYERS)
  await expect(failure).rejects.toThrow(CheckpointError)
  await expect(failure).rejects.toThrow('shape [20, 12], the checkpoint has [12, 20]')
})

test('sizes that are no counts are refused', async () => {
  const weights = heldWeights(randomTensors(SHAPES))
  await expect(buildProjector({ ...CONFIG, inputSize: 0 }, weights, LAYERS)).rejects.toThrow(
    InvalidOptionError,
  )
})
