import { EngineError, ropeFrequencies, ropeTables } from '@longtake/core'
import { buildDecoder, readIntoMemory } from '@longtake/kernels'
import { type Backend, openBackend, type Session, type Tensor } from '@longtake/runtime/ort'
import { PEER_CAPACITY, PEER_MODELS, type PeerModel, peerEmbeddings, peerSource } from './peer-model.js'
import {
  type Generated,
  type PeerOpening,
  type PeerRequest,
  promptTokens,
  type Scored,
} from './peer-protocol.js'
import { serve } from './peer-worker.js'

let opened: LongtakePeer | undefined

serve(async (request: PeerRequest) => {
  if (request.work === 'open') {
    opened = await LongtakePeer.open(request)
    return true
  }
  if (opened === undefined) throw new EngineError('ENGINE_FAILED', 'Longtake was not opened.')
  if (request.work === 'score') return opened.score(request.held, request.tokens)
  return request.work === 'prefill'
    ? opened.prefill(request.held, request.tokens)
    : opened.decode(request.held, request.tokens)
})

/** The decoder as the runtime runs it: steps over a quantised cache run through a graph that also gives attention. */
class LongtakePeer {
  readonly #backend: Backend
  readonly #model: PeerModel
  readonly #sessions: { readonly prefill: Session; readonly step: Session }
  readonly #chunk: number
  readonly #embed: (tokens: readonly number[]) => Float32Array
  readonly #fixed: Readonly<Record<string, Tensor>>
  readonly #results: Readonly<Record<string, Tensor>>
  readonly #logits: Tensor<'float32'>
  readonly #lengths: { readonly seqlens_k: Tensor<'int32'>; readonly total_sequence_length: Tensor<'int32'> }
  readonly #inputs = new Map<number, Tensor<'float32'>>()

  private constructor(
    backend: Backend,
    model: PeerModel,
    sessions: { readonly prefill: Session; readonly step: Session },
    { chunk, kv }: PeerOpening,
  ) {
    this.#backend = backend
    this.#model = model
    this.#sessions = sessions
    this.#chunk = chunk
    this.#embed = peerEmbeddings(model)
    const { headDim, kvHeads, layers, vocabularySize } = model.config
    const frequencies = ropeFrequencies(model.theta, headDim, { type: 'none' }, PEER_CAPACITY)
    const { cos, sin } = ropeTables(frequencies, PEER_CAPACITY)
    const table = [PEER_CAPACITY, headDim / 2]
    const names = Array.from({ length: layers }, (_, layer) => [`${layer}.key`, `${layer}.value`]).flat()
    const element = { fp32: 'float32', int8: 'int8', int4: 'uint8' } as const
    const dims = [1, kvHeads, PEER_CAPACITY, kv === 'int4' ? headDim / 2 : headDim]
    const caches = names.map((name) => [name, backend.tensor(element[kv], dims)] as const)
    const scale = () =>
      backend.tensor(
        'float32',
        [1, kvHeads, 1, headDim],
        new Float32Array(kvHeads * headDim).fill(kv === 'int4' ? 0.5 : 0.03),
      )
    const scales = kv === 'fp32' ? [] : names.map((name) => [scaleName(name), scale()] as const)
    this.#fixed = {
      cos_cache: backend.tensor('float32', table, cos),
      sin_cache: backend.tensor('float32', table, sin),
      ...Object.fromEntries(caches.map(([name, tensor]) => [`past_key_values.${name}`, tensor])),
      ...Object.fromEntries(scales),
    }
    this.#logits = backend.tensor('float32', [1, 1, vocabularySize])
    this.#results = {
      ...Object.fromEntries(caches.map(([name, tensor]) => [`present.${name}`, tensor])),
      logits: this.#logits,
    }
    this.#lengths = {
      seqlens_k: backend.tensor('int32', [1]),
      total_sequence_length: backend.tensor('int32', []),
    }
  }

  static async open(opening: PeerOpening): Promise<LongtakePeer> {
    const model = PEER_MODELS[opening.shape]
    const backend = await openBackend('resident')
    const session = async (attention: boolean) => {
      const names = { model: 'model.', head: 'lm_head.weight' }
      const options = { weights: 'int4', kv: opening.kv, attention } as const
      const graph = await buildDecoder(model.config, peerSource(model), names, options)
      return backend.session(await readIntoMemory(graph), { threads: opening.threads })
    }
    const prefill = await session(false)
    const sessions = { prefill, step: opening.kv === 'fp32' ? prefill : await session(true) }
    return new LongtakePeer(backend, model, sessions, opening)
  }

  async prefill(held: number, tokens: number): Promise<number> {
    const { vocabularySize } = this.#model.config
    const start = performance.now()
    for (let done = 0; done < tokens; ) {
      const count = Math.min(this.#chunk, tokens - done)
      const ids = promptTokens(held + done, count, vocabularySize)
      await this.#run(this.#sessions.prefill, held + done, ids)
      done += count
    }
    return performance.now() - start
  }

  async decode(held: number, count: number): Promise<Generated> {
    let next = promptTokens(held - 1, 1, this.#model.config.vocabularySize)
    const result: { milliseconds: number[]; tokens: number[] } = { milliseconds: [], tokens: [] }
    for (let step = 0; step < count; step++) {
      const start = performance.now()
      await this.#run(this.#sessions.step, held - 1 + step, next)
      next = [indexOfLargest(this.#logits.data)]
      result.milliseconds.push(performance.now() - start)
      result.tokens.push(...next)
    }
    return result
  }

  async score(held: number, count: number): Promise<Scored> {
    const tokens = promptTokens(0, count, this.#model.config.vocabularySize)
    await this.#run(this.#sessions.step, held, tokens.slice(-1))
    const logits = this.#logits.data
    const most = logits.reduce((largest, logit) => Math.max(largest, logit))
    const sum = logits.reduce((total, logit) => total + Math.exp(logit - most), 0)
    return tokens.map((token) => (logits[token] ?? Number.NaN) - most - Math.log(sum))
  }

  async #run(session: Session, held: number, tokens: readonly number[]): Promise<void> {
    const total = held + tokens.length
    const input = this.#input(tokens.length)
    input.data.set(this.#embed(tokens))
    this.#lengths.seqlens_k.data[0] = total - 1
    this.#lengths.total_sequence_length.data[0] = total
    const results = await session.run(
      { inputs_embeds: input, ...this.#lengths, ...this.#fixed },
      this.#results,
    )
    for (const [name, tensor] of Object.entries(results)) {
      if (this.#results[name] === undefined) tensor.close()
    }
  }

  #input(tokens: number): Tensor<'float32'> {
    const { hiddenSize } = this.#model.config
    const known = this.#inputs.get(tokens)
    if (known !== undefined) return known
    const made = this.#backend.tensor('float32', [1, tokens, hiddenSize])
    this.#inputs.set(tokens, made)
    return made
  }
}

/** `3.key` → `k_scale.3`. */
function scaleName(cache: string): string {
  const [layer, kind] = cache.split('.')
  return `${kind === 'key' ? 'k' : 'v'}_scale.${layer}`
}

function indexOfLargest(values: Float32Array): number {
  let best = 0
  let most = Number.NEGATIVE_INFINITY
  for (const [index, value] of values.entries()) {
    if (value <= most) continue
    best = index
    most = value
  }
  return best
}
