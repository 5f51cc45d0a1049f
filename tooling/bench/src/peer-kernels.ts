import { quantizeBlockwise } from '@longtake/kernels'
import { GraphBuilder, type Value } from '@longtake/kernels/onnx'
import { type Backend, openBackend } from '@longtake/runtime/ort'
import { fillRandom } from './decode-model.js'

/** What one kernel does with 512 rows of the model's largest matrix, or with queries of its attention. */
export interface KernelSpeed {
  readonly kernel: string
  /** Operations a second of CPU time, which other work on the machine hardly changes: of one core. */
  readonly flopsPerCore: number
}

const ROWS = 512
const REPETITIONS = 6
/** Sizes of LLaVA-OneVision-0.5B: the MLP's inward matrix, and its heads. */
const [INPUTS, OUTPUTS] = [896, 4864]
const [HEADS, KV_HEADS, HEAD_DIM] = [14, 2, 64]
const FORMS = [
  { bits: 4, blockSize: 32 },
  { bits: 4, blockSize: 128 },
  { bits: 8, blockSize: 32 },
  { bits: 8, blockSize: 128 },
] as const

/** Measures the kernels that prefill spends its time in, and those that it could use instead. */
export async function measureKernels(threads: number): Promise<readonly KernelSpeed[]> {
  const backend = await openBackend('resident')
  try {
    const product = 2 * ROWS * INPUTS * OUTPUTS
    const speeds: KernelSpeed[] = []
    for (const form of FORMS) {
      const name = `MatMulNBits, ${form.bits} bits, blocks of ${form.blockSize}`
      speeds.push(await measureOne(backend, name, packedGraph(form), product, threads))
    }
    speeds.push(await measureOne(backend, 'MatMul, fp32', floatGraph(), product, threads))
    speeds.push(await measureOne(backend, 'MatMulInteger, 8 × 8 bits', integerGraph(), product, threads))
    for (const held of [0, 7680]) {
      const flops = 4 * HEADS * HEAD_DIM * ROWS * (held + (ROWS + 1) / 2)
      const name = `GroupQueryAttention, fp32, ${held} held`
      speeds.push(await measureOne(backend, name, attentionGraph(held), flops, threads))
    }
    return speeds
  } finally {
    await backend.close()
  }
}

function packedGraph({ bits, blockSize }: (typeof FORMS)[number]): GraphBuilder {
  const graph = new GraphBuilder('packed')
  const x = graph.input('x', 'float32', [ROWS, INPUTS])
  const { packed, scales } = quantizeBlockwise(randomMatrix(), OUTPUTS, INPUTS, { bits, blockSize })
  const blocks = INPUTS / blockSize
  const weights = [
    graph.initializer('packed', 'uint8', [OUTPUTS, blocks, (blockSize * bits) / 8], packed),
    graph.floats('scales', [OUTPUTS, blocks], scales),
  ]
  const attributes = { K: INPUTS, N: OUTPUTS, bits, block_size: blockSize, accuracy_level: 4 }
  const options = { domain: 'com.microsoft', attributes } as const
  return finish(graph, 'MatMulNBits', [x, ...weights], 'float32', options)
}

function floatGraph(): GraphBuilder {
  const graph = new GraphBuilder('float')
  const x = graph.input('x', 'float32', [ROWS, INPUTS])
  return finish(graph, 'MatMul', [x, graph.floats('weight', [INPUTS, OUTPUTS], randomMatrix())], 'float32')
}

function integerGraph(): GraphBuilder {
  const graph = new GraphBuilder('integer')
  const x = graph.input('x', 'uint8', [ROWS, INPUTS])
  const codes = Uint8Array.from(randomMatrix(), (value) => (value + 1) * 127)
  const weight = graph.initializer('weight', 'int8', [INPUTS, OUTPUTS], codes)
  return finish(graph, 'MatMulInteger', [x, weight], 'int32')
}

function finish(
  graph: GraphBuilder,
  op: string,
  inputs: readonly Value[],
  type: 'float32' | 'int32',
  options = {},
): GraphBuilder {
  graph.output('y', graph.node(op, inputs, [{ type, dims: [ROWS, OUTPUTS] }], options)[0])
  return graph
}

function attentionGraph(held: number): GraphBuilder {
  const graph = new GraphBuilder('attention')
  const total = held + ROWS
  const query = graph.input('query', 'float32', [1, ROWS, HEADS * HEAD_DIM])
  const [key, value] = ['key', 'value'].map((name) =>
    graph.input(name, 'float32', [1, ROWS, KV_HEADS * HEAD_DIM]),
  )
  const dims = [1, KV_HEADS, total, HEAD_DIM]
  const [pastKey, pastValue] = ['past_key', 'past_value'].map((name) => graph.input(name, 'float32', dims))
  const lengths = [
    graph.initializer('last', 'int32', [1], bytesOf(total - 1)),
    graph.initializer('total', 'int32', [], bytesOf(total)),
  ]
  const inputs = [query, key, value, pastKey, pastValue, ...lengths]
  const attributes = { num_heads: HEADS, kv_num_heads: KV_HEADS, do_rotary: 0 }
  const cache = { type: 'float32', dims } as const
  const options = { domain: 'com.microsoft', attributes } as const
  const [y, presentKey, presentValue] = graph.node(
    'GroupQueryAttention',
    inputs,
    [query, cache, cache],
    options,
  )
  graph.output('y', y)
  graph.output('present_key', presentKey)
  graph.output('present_value', presentValue)
  return graph
}

async function measureOne(
  backend: Backend,
  kernel: string,
  graph: GraphBuilder,
  flops: number,
  threads: number,
): Promise<KernelSpeed> {
  const model = graph.build()
  // Every constant is in the graph itself.
  const encoded = model.encode((part) => ({ file: part, offset: 0 }))
  const session = await backend.session({ graph: encoded, weights: [] }, { threads })
  const feeds = Object.fromEntries(
    model.inputs.map(({ name, type, dims }, seed) => {
      const tensor = backend.tensor(type, dims.map(Number))
      if (tensor.data instanceof Float32Array) fillRandom(tensor.data, seed + 1, 1)
      else if (tensor.data instanceof Uint8Array) tensor.data.fill(77)
      return [name, tensor]
    }),
  )
  // As in a context, present is past.
  const inPlace = { present_key: feeds.past_key, present_value: feeds.past_value }
  const results = Object.fromEntries(
    Object.entries(inPlace).flatMap(([name, tensor]) => (tensor ? [[name, tensor]] : [])),
  )
  let best = Number.POSITIVE_INFINITY
  for (let repetition = 0; repetition <= REPETITIONS; repetition++) {
    const before = process.cpuUsage()
    const { y } = await session.run(feeds, results)
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 1e6)
    y?.close()
  }
  for (const tensor of Object.values(feeds)) tensor.close()
  await session.close()
  return { kernel, flopsPerCore: flops / best }
}

function randomMatrix(): Float32Array<ArrayBuffer> {
  return fillRandom(new Float32Array(INPUTS * OUTPUTS), 1, 1)
}

function bytesOf(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer)
}
