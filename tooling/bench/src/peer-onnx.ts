import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError, ropeFrequencies, ropeTables } from '@longtake/core'
import { quantizeBlockwise, type TensorSource } from '@longtake/kernels'
import { GraphBuilder, type Value } from '@longtake/kernels/onnx'
import { PEER_CAPACITY, type PeerModel, peerSource } from './peer-model.js'

const MICROSOFT = { domain: 'com.microsoft' } as const

/**
 * Writes the model in the layout that transformers.js loads by name: `config.json` and `onnx/model.onnx` with
 * `input_ids`, `attention_mask`, `past_key_values.{i}.{key,value}` → `logits`, `present.{i}.{key,value}`, the same
 * operators and 4-bit weights as ours, keys and values in fp32.
 *
 * @param folder - Made if it is missing.
 */
export async function writePeerOnnx(folder: string, model: PeerModel): Promise<void> {
  const onnx = join(folder, 'onnx')
  await mkdir(onnx, { recursive: true })
  await writeFile(join(folder, 'config.json'), JSON.stringify(describeConfig(model)))
  const exported = new Export(model, onnx)
  await writeFile(join(onnx, 'model.onnx'), await exported.build())
}

function describeConfig({ architecture, config, theta, positions }: PeerModel): object {
  return {
    model_type: architecture,
    architectures: [architecture === 'qwen2' ? 'Qwen2ForCausalLM' : 'LlamaForCausalLM'],
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    vocab_size: config.vocabularySize,
    rms_norm_eps: config.rmsNormEpsilon,
    rope_theta: theta,
    max_position_embeddings: positions,
    tie_word_embeddings: config.tiedHead,
    eos_token_id: config.vocabularySize - 1,
  }
}

/** One export: the graph, and a file for each weight as soon as it is known. */
class Export {
  readonly #graph = new GraphBuilder('decoder')
  readonly #model: PeerModel
  readonly #source: TensorSource
  readonly #folder: string
  #files = 0

  constructor(model: PeerModel, folder: string) {
    this.#model = model
    this.#source = peerSource(model)
    this.#folder = folder
  }

  async build(): Promise<Uint8Array> {
    const graph = this.#graph
    const { layers, vocabularySize, hiddenSize } = this.#model.config
    const ids = graph.input('input_ids', 'int64', [1, 'sequence'])
    const positions = await this.#positions(graph.input('attention_mask', 'int64', [1, 'total']))
    const table = await this.#float('model.embed_tokens.weight')
    const dims = [1, 'sequence', hiddenSize]
    let sum = graph.node('Gather', [table, ids], [{ type: 'float32', dims }])[0]
    let normed = graph.node(
      'SimplifiedLayerNormalization',
      [sum, await this.#float('model.layers.0.input_layernorm.weight')],
      [sum],
      { attributes: { axis: -1, epsilon: this.#epsilon } },
    )[0]
    for (let layer = 0; layer < layers; layer++) {
      const name = `model.layers.${layer}`
      const attended = await this.#attention(normed, layer, positions)
      const mixed = await this.#linear(attended, `${name}.self_attn.o_proj`)
      ;[normed, sum] = await this.#addNorm(sum, mixed, `${name}.post_attention_layernorm.weight`)
      const gate = await this.#linear(normed, `${name}.mlp.gate_proj`)
      const options = { ...MICROSOFT, attributes: { alpha: { float: 1 } } }
      const active = graph.node('QuickGelu', [gate], [gate], options)[0]
      const product = graph.node(
        'Mul',
        [active, await this.#linear(normed, `${name}.mlp.up_proj`)],
        [active],
      )[0]
      const down = await this.#linear(product, `${name}.mlp.down_proj`)
      const next = layer + 1 < layers ? `model.layers.${layer + 1}.input_layernorm` : 'model.norm'
      ;[normed, sum] = await this.#addNorm(sum, down, `${next}.weight`)
    }
    graph.output('logits', await this.#linear(normed, 'model.embed_tokens'), [1, 'sequence', vocabularySize])
    return graph.build().encode((part) => ({ file: part, offset: 0 }))
  }

  get #epsilon() {
    return { float: this.#model.config.rmsNormEpsilon }
  }

  /** Lengths as the fused attention wants them, from the mask; and the RoPE tables. */
  async #positions(mask: Value): Promise<readonly Value[]> {
    const graph = this.#graph
    const { headDim } = this.#model.config
    const axes = graph.integers([1])
    const attributes = { keepdims: 0 }
    const [count] = graph.node('ReduceSum', [mask, axes], [{ type: 'int64', dims: [1] }], { attributes })
    const [last] = graph.node('Sub', [count, graph.integers([1])], [count])
    const int32 = { attributes: { to: 6 } }
    const [seqlens] = graph.node('Cast', [last], [{ type: 'int32', dims: [1] }], int32)
    const [whole] = graph.node('Cast', [count], [{ type: 'int32', dims: [1] }], int32)
    const [total] = graph.node('Squeeze', [whole], [{ type: 'int32', dims: [] }])
    const frequencies = ropeFrequencies(this.#model.theta, headDim, { type: 'none' }, PEER_CAPACITY)
    const { cos, sin } = ropeTables(frequencies, PEER_CAPACITY)
    const dims = [PEER_CAPACITY, headDim / 2]
    return [seqlens, total, await this.#weight('cos', dims, cos), await this.#weight('sin', dims, sin)]
  }

  async #attention(x: Value, layer: number, positions: readonly Value[]): Promise<Value> {
    const graph = this.#graph
    const { heads, kvHeads, headDim } = this.#model.config
    const names = `model.layers.${layer}.self_attn.`
    const query = await this.#linear(x, `${names}q_proj`)
    const key = await this.#linear(x, `${names}k_proj`)
    const value = await this.#linear(x, `${names}v_proj`)
    const cache = (kind: string) =>
      graph.input(`past_key_values.${layer}.${kind}`, 'float32', [1, kvHeads, 'past', headDim])
    const present = { type: 'float32', dims: [1, kvHeads, 'total', headDim] } as const
    const attributes = { num_heads: heads, kv_num_heads: kvHeads, do_rotary: 1 }
    const inputs = [query, key, value, cache('key'), cache('value'), ...positions]
    const [output, newKey, newValue] = graph.node('GroupQueryAttention', inputs, [query, present, present], {
      ...MICROSOFT,
      attributes,
    })
    graph.output(`present.${layer}.key`, newKey)
    graph.output(`present.${layer}.value`, newValue)
    return output
  }

  async #addNorm(sum: Value, x: Value, weight: string): Promise<[normed: Value, sum: Value]> {
    const inputs = [sum, x, await this.#float(weight)]
    const [normed, , , total] = this.#graph.node(
      'SkipSimplifiedLayerNormalization',
      inputs,
      [sum, undefined, undefined, sum],
      { ...MICROSOFT, attributes: { epsilon: this.#epsilon } },
    )
    return [normed, total]
  }

  async #linear(x: Value, layer: string): Promise<Value> {
    const name = `${layer}.weight`
    const [N, K] = this.#source.info(name).shape as readonly [number, number]
    const matrix = quantizeBlockwise(await this.#source.read(name), N, K)
    const { packed, scales, blockSize, bits } = matrix
    const blocks = K / blockSize
    const bias = this.#source.has(`${layer}.bias`) ? await this.#float(`${layer}.bias`) : undefined
    const inputs = [
      x,
      await this.#weight(`${layer}.packed`, [N, blocks, (blockSize * bits) / 8], packed),
      await this.#weight(`${layer}.scales`, [N, blocks], scales),
      undefined,
      undefined,
      bias,
    ]
    const attributes = { K, N, bits, block_size: blockSize, accuracy_level: 4 }
    const dims = x.dims.with(-1, N)
    return this.#graph.node('MatMulNBits', inputs, [{ type: 'float32', dims }], {
      ...MICROSOFT,
      attributes,
    })[0]
  }

  async #float(name: string): Promise<Value> {
    return this.#weight(name, this.#source.info(name).shape, await this.#source.read(name))
  }

  /** A weight as external data: its file's name is what the graph calls it. */
  async #weight(name: string, dims: readonly number[], data: Float32Array | Uint8Array): Promise<Value> {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    const file = `${this.#files++}-${name}`
    await writeFile(join(this.#folder, file), bytes)
    const type = data instanceof Uint8Array ? 'uint8' : 'float32'
    const parts = [{ name: file, type, dims, bytes: bytes.length }] as const
    const [value] = this.#graph.weight({
      source: this.#source,
      tensor: file,
      shape: dims,
      storage: 'fp32',
      parts,
    })
    if (value === undefined) throw new EngineError('ENGINE_FAILED', `${name} has no value in the graph.`)
    return value
  }
}
