import { expect, test } from 'vitest'
import { decoderOracle, decoderShapes, NAMES } from '../../test/decoder-oracle.js'
import { DecoderRun } from '../../test/decoder-run.js'
import { rowsOf } from '../../test/oracle.js'
import { heldWeights, randomArray, randomTensors, roundedTensors } from '../../test/random-weights.js'
import { openGraph } from '../../test/run-graph.js'
import { buildDecoder, type DecoderConfig } from '../index.js'

const LENGTH = 9

test.each([
  { bits: 8, hiddenSize: 64, qkvBias: false },
  { bits: 4, hiddenSize: 64, qkvBias: true },
  { bits: 8, hiddenSize: 40, qkvBias: true },
  { bits: 4, hiddenSize: 40, qkvBias: false },
] as const)('int$bits matrices of a decoder $hiddenSize wide, biases: $qkvBias', async (changes) => {
  const { bits, hiddenSize, qkvBias } = changes
  const config: DecoderConfig = {
    hiddenSize,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 16,
    intermediateSize: 96,
    vocabularySize: 50,
    rmsNormEpsilon: 1e-5,
    tiedHead: false,
    qkvBias,
  }
  const frequencies = Array.from({ length: 8 }, (_, pair) => 300 ** (-pair / 8))
  const tensors = randomTensors(decoderShapes(config))
  const embeds = randomArray(LENGTH * hiddenSize, 5)
  const weights = bits === 8 ? 'int8' : 'int4'
  const model = await buildDecoder(config, heldWeights(tensors), NAMES, { logits: 'all', weights })
  const graph = await openGraph(model)
  const { logits } = await new DecoderRun(graph, config, LENGTH, frequencies).step(embeds)
  await graph.release()
  const expected = decoderOracle(
    config,
    roundedTensors(tensors, bits),
    rowsOf(embeds, hiddenSize),
    frequencies,
  )
  const flat = expected.logits.flat()
  const actual = logits!.data as Float32Array
  const norm = (values: number[]) => Math.hypot(...values)
  // The kernel rounds activations to 8 bits on the way: about half a percent for each matrix.
  expect(norm(flat.map((value, at) => value - actual[at]!)) / norm(flat)).toBeLessThan(0.03)
})
