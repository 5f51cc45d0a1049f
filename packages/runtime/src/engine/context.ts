import { EngineError, type KvCacheType, ropeTables, type VideoPlan } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import type { Session, Tensor } from '../ort/types.js'
import { orOutOfMemory } from './allocate.js'
import { compressCache } from './compress.js'
import type { DecoderKind } from './graphs.js'
import { KvCache } from './kv-cache.js'
import { float32, type Models } from './models.js'
import { TensorGroup } from './tensor-group.js'

export interface FeedOptions {
  readonly signal?: AbortSignal | undefined
  /** Told the tokens taken in after each chunk. */
  readonly onTokens?: (done: number) => void
  /**
   * What the feed is for: `prefill` (default) and `answer` give the last token's logits, and `answer` can give what
   * it attends to; `inspect` gives every token's logits.
   */
  readonly mode?: FeedMode
  /** With mode `answer`: whether to return what the last token attends to. */
  readonly attention?: boolean
}

export type FeedMode = 'prefill' | 'answer' | 'inspect'

/** What one feed gives. Arrays are copies. */
export interface FeedResult {
  /** Of the last token, `[vocabulary]`; with mode `inspect` of every token fed, row-major. */
  readonly logits: Float32Array
  /** What the last token attends to, layer by layer, when it was wanted. */
  readonly attention: readonly AttentionMap[]
}

/** What the last token of a feed attends to in one layer: `[1, tokens]`, the mean over the heads. */
export interface AttentionMap {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

/**
 * Questions and answers run through one graph that also gives attention: for single steps it costs nothing that can
 * be measured, and one graph less holds the weights.
 */
const DECODERS: Readonly<Record<FeedMode, Omit<DecoderKind, 'kv'>>> = {
  prefill: { logits: 'last', attention: false },
  answer: { logits: 'last', attention: true },
  inspect: { logits: 'all', attention: false },
}

/** Most tokens of one run with attention, which holds its scores twice. */
const MAX_ATTENTION_CHUNK = 64

/**
 * One conversation's context: the KV cache, and the decoder that extends it token by token or in chunks.
 *
 * Used by one caller at a time. After an error or a cancellation it still holds what it held before the feed.
 */
export class Context {
  readonly #models: Models
  readonly #chunk: number
  readonly #width: number
  #cache: KvCache
  readonly #own: TensorGroup
  readonly #tables: { readonly cos_cache: Tensor; readonly sin_cache: Tensor }
  readonly #counters: { readonly seqlens_k: Tensor<'int32'>; readonly total_sequence_length: Tensor<'int32'> }
  readonly #inputs = new Map<number, Tensor<'float32'>>()
  readonly #logits: Tensor<'float32'>
  #length = 0
  #closed = false

  /**
   * @param chunk - Most tokens of one run.
   * @param cache - Empty; belongs to the context from now on.
   * @param positions - Length of the RoPE tables, tokens.
   * @throws {EngineError} `ENGINE_FAILED` when memory runs out.
   */
  constructor(models: Models, rope: VideoPlan['rope'], chunk: number, cache: KvCache, positions: number) {
    const { backend, checkpoint } = models
    const { headDim, hiddenSize, vocabularySize } = checkpoint.model.spec.decoder
    this.#models = models
    this.#chunk = chunk
    this.#width = hiddenSize
    this.#cache = cache
    const dims = [positions, headDim / 2]
    this.#own = new TensorGroup(backend)
    try {
      const own = this.#own
      const { cos, sin } = orOutOfMemory(() => ropeTables(rope, positions), 'RoPE tables')
      this.#tables = { cos_cache: own.add('float32', dims, cos), sin_cache: own.add('float32', dims, sin) }
      this.#counters = { seqlens_k: own.add('int32', [1]), total_sequence_length: own.add('int32', []) }
      this.#logits = own.add('float32', [1, 1, vocabularySize])
    } catch (error) {
      cache.close()
      throw error
    }
  }

  /** Tokens held. */
  get length(): number {
    return this.#length
  }

  get cache(): KvCache {
    return this.#cache
  }

  /**
   * Takes tokens in, chunk by chunk.
   *
   * @param embeds - `[n, D]`, n ≥ 1.
   * @throws {EngineError} `CONTEXT_TOO_LONG` if the cache has no room for them, `ENGINE_CLOSED` after `close()`.
   * @throws {CancelledError} If the signal fires, within one chunk.
   */
  async feed(embeds: Float32Array, options: FeedOptions = {}): Promise<FeedResult> {
    const { mode = 'prefill', onTokens } = options
    const tokens = embeds.length / this.#width
    const start = this.#length
    if (start + tokens > this.#cache.capacity) {
      const held = `a context of ${this.#cache.capacity}`
      throw new EngineError('CONTEXT_TOO_LONG', `${start + tokens} tokens do not fit ${held}.`)
    }
    const session = await this.#models.decoder(decoderKind(mode, this.#cache.type))
    const most = mode === 'answer' ? Math.min(this.#chunk, MAX_ATTENTION_CHUNK) : this.#chunk
    const parts: Float32Array[] = []
    let attention: readonly AttentionMap[] = []
    try {
      for (let done = 0; done < tokens; onTokens?.(done)) {
        const count = Math.min(most, tokens - done)
        const chunk = embeds.subarray(done * this.#width, (done + count) * this.#width)
        done += count
        const step = await this.#run(session, chunk, count, options)
        if (mode === 'inspect' || done === tokens) parts.push(step.logits)
        attention = step.attention
        this.#length = start + done
      }
    } catch (error) {
      this.#length = start
      throw error
    }
    return { logits: concatenate(parts), attention }
  }

  /** Forgets every token after the first `length`. */
  rewind(length: number): void {
    if (length > this.#length)
      throw new EngineError('ENGINE_FAILED', `Cannot rewind ${this.#length} tokens to ${length}.`)
    this.#length = length
  }

  /**
   * Stores what is held so far in another type and frees the cache that held it; the event loop gets its turns.
   *
   * @param capacity - Tokens that the new cache has room for.
   * @param kept - Tokens to keep; those after them are forgotten, but scales suit them too.
   */
  async compress(type: KvCacheType, capacity: number, kept: number, signal?: AbortSignal): Promise<void> {
    const { decoder } = this.#models.checkpoint.model.spec
    const target = new KvCache(this.#models.backend, decoder, type, capacity)
    try {
      await compressCache(this.#models, this.#cache, target, { kept, seen: this.#length }, signal)
    } catch (error) {
      target.close()
      throw error
    }
    this.#cache.close()
    this.#cache = target
    this.#length = kept
  }

  /** Frees the cache and every buffer. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#cache.close()
    this.#own.close()
    for (const tensor of this.#inputs.values()) tensor.close()
    this.#inputs.clear()
  }

  async #run(
    session: Session,
    embeds: Float32Array,
    count: number,
    { signal, mode, attention = false }: FeedOptions,
  ): Promise<FeedResult> {
    throwIfAborted(signal)
    if (this.#closed) throw new EngineError('ENGINE_CLOSED', 'The video was closed; watch it again.')
    const input = this.#input(count)
    input.data.set(embeds)
    const total = this.#length + count
    this.#counters.seqlens_k.data[0] = total - 1
    this.#counters.total_sequence_length.data[0] = total
    const feeds = { inputs_embeds: input, ...this.#tables, ...this.#counters, ...this.#cache.feeds }
    const last = mode === 'inspect' ? {} : { logits: this.#logits }
    const results = await session.run(
      feeds,
      { ...this.#cache.results, ...last },
      { ...(signal && { signal }) },
    )
    return this.#collect(results, attention)
  }

  /** Copies what is wanted of a run's results, and frees those that the run made. */
  #collect(results: Readonly<Record<string, Tensor>>, wanted: boolean): FeedResult {
    const logits = float32(results.logits)
    const copy = logits.data.slice()
    if (logits !== this.#logits) logits.close()
    const attention: AttentionMap[] = []
    for (let layer = 0; layer < this.#cache.layers.length; layer++) {
      const name = `attention.${layer}`
      if (results[name] === undefined) continue
      const { dims, data } = float32(results[name])
      if (wanted) attention.push({ dims, data: data.slice() })
      results[name].close()
    }
    return { logits: copy, attention }
  }

  /** Inputs are kept by length: single steps and full chunks come again and again. */
  #input(count: number): Tensor<'float32'> {
    const known = this.#inputs.get(count)
    if (known !== undefined) return known
    for (const [size, tensor] of this.#inputs) {
      if (size === 1 || size === this.#chunk) continue
      tensor.close()
      this.#inputs.delete(size)
    }
    const made = this.#models.backend.tensor('float32', [1, count, this.#width])
    this.#inputs.set(count, made)
    return made
  }
}

/** The decoder that a feed runs through. */
export function decoderKind(mode: FeedMode, kv: KvCacheType): DecoderKind {
  return { ...DECODERS[mode], kv }
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}
