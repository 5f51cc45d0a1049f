import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ropeFrequencies, ropeTables } from '@longtake/core'
import { buildDecoder, dequantizeBlockwise, quantizeBlockwise, readIntoMemory } from '@longtake/kernels'
import { openBackend, type Tensor } from '@longtake/runtime/ort'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import {
  type PeerModel,
  peerEmbeddings,
  peerGgufMetadata,
  peerGgufTensors,
  peerSource,
} from './peer-model.js'
import { writePeerOnnx } from './peer-onnx.js'

const [D, HEADS, KV_HEADS, HEAD_DIM] = [64, 4, 2, 16]

function modelOf(architecture: PeerModel['architecture']): PeerModel {
  const config = {
    hiddenSize: D,
    intermediateSize: 96,
    layers: 2,
    heads: HEADS,
    kvHeads: KV_HEADS,
    headDim: HEAD_DIM,
    vocabularySize: 128,
    rmsNormEpsilon: 1e-6,
    tiedHead: true,
    qkvBias: architecture === 'qwen2',
  }
  return { architecture, config, theta: 1e4, positions: 256 }
}

/** Values of Q4_0 blocks: (code − 8) · scale, the low halves of the 16 bytes first. */
function decodeQ4(bytes: Uint8Array): number[] {
  const values: number[] = []
  for (let at = 0; at < bytes.length; at += 18) {
    // The scale is a power of two here: nothing but an exponent.
    const exponent = bytes[at + 1]! >> 2
    const scale = 2 ** (exponent - 15)
    expect([bytes[at], bytes[at + 1]! & 3]).toEqual([0, 0])
    const codes = [...bytes.subarray(at + 2, at + 18)]
    values.push(
      ...codes.map((code) => ((code & 15) - 8) * scale),
      ...codes.map((code) => ((code >> 4) - 8) * scale),
    )
  }
  return values
}

test('both formats hold the same numbers, and 4-bit blocks hold them exactly', async () => {
  const model = modelOf('qwen2')
  const source = peerSource(model)
  const tensors = new Map(peerGgufTensors(model).map((tensor) => [tensor.name, tensor]))
  expect(tensors.size).toBe([...source.names()].length)
  const name = 'model.layers.1.mlp.down_proj.weight'
  const values = await source.read(name)
  expect(decodeQ4(tensors.get('blk.1.ffn_down.weight')!.bytes())).toEqual([...values])
  expect([...dequantizeBlockwise(quantizeBlockwise(values, D, 96))]).toEqual([...values])
  const bias = await source.read('model.layers.0.self_attn.k_proj.bias')
  expect([...new Float32Array(tensors.get('blk.0.attn_k.bias')!.bytes().slice().buffer)]).toEqual([...bias])
  expect(new Set(bias).size).toBeGreaterThan(4)
})

test('the llama layout has the halves of every head side by side, in queries and keys only', async () => {
  const model = modelOf('llama')
  const source = peerSource(model)
  const rowsOf = async (part: string, gguf: string) => {
    const values = [...(await source.read(`model.layers.0.self_attn.${part}_proj.weight`))]
    const tensor = peerGgufTensors(model).find(({ name }) => name === `blk.0.attn_${gguf}.weight`)!
    const split = (all: readonly number[]) =>
      Array.from({ length: all.length / D }, (_, row) => all.slice(row * D, (row + 1) * D))
    return { expected: split(values), actual: split(decodeQ4(tensor.bytes())) }
  }
  for (const [part, heads] of [
    ['q', HEADS],
    ['k', KV_HEADS],
  ] as const) {
    const { expected, actual } = await rowsOf(part, part)
    for (let head = 0; head < heads; head++) {
      for (let pair = 0; pair < HEAD_DIM / 2; pair++) {
        const start = head * HEAD_DIM
        expect(actual[start + 2 * pair]).toEqual(expected[start + pair])
        expect(actual[start + 2 * pair + 1]).toEqual(expected[start + pair + HEAD_DIM / 2])
      }
    }
  }
  const { expected, actual } = await rowsOf('v', 'v')
  expect(actual).toEqual(expected)
})

test('metadata names the architecture in every key of the model', () => {
  const metadata = peerGgufMetadata(modelOf('llama'))
  expect(metadata['llama.attention.head_count_kv']).toEqual({ type: 'uint32', value: KV_HEADS })
  expect(metadata['tokenizer.ggml.tokens']?.value).toHaveLength(128)
})

test.each(['qwen2', 'llama'] as const)(
  'the ONNX file for %s computes what our decoder does',
  async (architecture) => {
    const model = modelOf(architecture)
    const tokens = [5, 99, 5, 0, 127]
    const ours = await ourLogits(model, tokens)
    const folder = await mkdtemp(join(tmpdir(), 'longtake-peer-'))
    try {
      await writePeerOnnx(folder, model)
      const session = await InferenceSession.create(join(folder, 'onnx', 'model.onnx'))
      const int64 = (values: readonly number[]) =>
        new OrtTensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])
      // Two runs, so that the second has a past.
      const empty = () => new OrtTensor('float32', new Float32Array(0), [1, KV_HEADS, 0, HEAD_DIM])
      const names = [0, 1].flatMap((layer) => [`${layer}.key`, `${layer}.value`])
      const first = await session.run({
        input_ids: int64(tokens.slice(0, 3)),
        attention_mask: int64([1, 1, 1]),
        ...Object.fromEntries(names.map((name) => [`past_key_values.${name}`, empty()])),
      })
      const second = await session.run({
        input_ids: int64(tokens.slice(3)),
        attention_mask: int64(tokens.map(() => 1)),
        ...Object.fromEntries(names.map((name) => [`past_key_values.${name}`, first[`present.${name}`]!])),
      })
      await session.release()
      const theirs = [first, second].flatMap(({ logits }) => [...(logits!.data as Float32Array)])
      expect(theirs).toHaveLength(ours.length)
      expect(Math.max(...theirs.map((value, index) => Math.abs(value - ours[index]!)))).toBeLessThan(1e-3)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)

async function ourLogits(model: PeerModel, tokens: readonly number[]): Promise<Float32Array> {
  const { config, theta } = model
  const names = { model: 'model.', head: 'lm_head.weight' }
  const graph = await buildDecoder(config, peerSource(model), names, { weights: 'int4', logits: 'all' })
  const backend = await openBackend('portable')
  const session = await backend.session(await readIntoMemory(graph), { threads: 1 })
  const { cos, sin } = ropeTables(ropeFrequencies(theta, HEAD_DIM, { type: 'none' }, 16), 16)
  const caches = [0, 1].flatMap((layer) => ['key', 'value'].map((kind) => `past_key_values.${layer}.${kind}`))
  const feeds: Record<string, Tensor> = {
    inputs_embeds: backend.tensor('float32', [1, tokens.length, D], peerEmbeddings(model)(tokens)),
    cos_cache: backend.tensor('float32', [16, HEAD_DIM / 2], cos),
    sin_cache: backend.tensor('float32', [16, HEAD_DIM / 2], sin),
    seqlens_k: backend.tensor('int32', [1], Int32Array.of(tokens.length - 1)),
    total_sequence_length: backend.tensor('int32', [], Int32Array.of(tokens.length)),
    ...Object.fromEntries(
      caches.map((name) => [name, backend.tensor('float32', [1, KV_HEADS, 16, HEAD_DIM])]),
    ),
  }
  const { logits } = await session.run(feeds)
  const copy = Float32Array.from(logits!.data as Float32Array)
  await backend.close()
  return copy
}
