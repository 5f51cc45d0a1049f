import { EngineError, type KvCacheType } from '@longtake/core'
import { buildGridResize, buildKvCompressor, type GraphModel, type WeightType } from '@longtake/kernels'
import type { Checkpoint } from '../checkpoint/read-checkpoint.js'
import { throwIfAborted } from '../ort/abort.js'
import type { Backend, Session, Tensor } from '../ort/types.js'
import { type DecoderKind, decoderGraph, graphsWithWeights, projectorGraph, visionGraph } from './graphs.js'
import { alignmentSession } from './guide-models.js'
import type { Platform, WeightStore } from './platform.js'
import { TokenRows } from './token-rows.js'

export interface ModelsOptions {
  readonly weights: WeightType
  readonly threads: number | undefined
  readonly platform: Platform
  readonly signal: AbortSignal | undefined
}

/** The sessions of one loaded checkpoint. */
export class Models {
  readonly checkpoint: Checkpoint
  readonly backend: Backend
  readonly #options: ModelsOptions
  readonly #sessions = new Map<string, Promise<Session>>()
  readonly #rows: TokenRows
  readonly #take: WeightStore
  #closed = false

  private constructor(checkpoint: Checkpoint, backend: Backend, take: WeightStore, options: ModelsOptions) {
    this.checkpoint = checkpoint
    this.backend = backend
    this.#take = take
    this.#options = options
    this.#rows = new TokenRows(checkpoint.model.spec.decoder.hiddenSize)
  }

  /**
   * Makes the weights ready, and loads the graphs that every video needs; other decoders are loaded when a plan asks
   * for them.
   *
   * @throws {CheckpointError} If a tensor cannot be read, or the weights cannot be prepared on disk.
   * @throws {EngineError} `ENGINE_FAILED` if ONNX Runtime refuses a graph.
   * @throws {CancelledError} If the signal fires first.
   */
  static async open(checkpoint: Checkpoint, backend: Backend, options: ModelsOptions): Promise<Models> {
    const graphs = await graphsWithWeights(checkpoint, options.weights)
    const take = await options.platform.openWeights(checkpoint, graphs, options.signal)
    const models = new Models(checkpoint, backend, take, options)
    const loads = [
      () => models.#vision(),
      () => models.#projector(),
      () => models.decoder({ kv: 'fp32', logits: 'last', attention: false }),
    ]
    for (const load of loads) {
      throwIfAborted(options.signal)
      await load()
    }
    throwIfAborted(options.signal)
    return models
  }

  /** How matrices are stored. */
  get weights(): WeightType {
    return this.#options.weights
  }

  /** Where features go that are kept as long as they are needed, and no longer. */
  get createScratch(): Platform['createScratch'] {
    return this.#options.platform.createScratch
  }

  /**
   * Encodes pictures clip by clip and projects them.
   *
   * @param pixels - `[frames, 3, S, S]`, the clips one after the other.
   * @param align - Whether to compare them with texts later; the checkpoint must have a guide.
   * @returns Copies.
   */
  async encode(
    pixels: Float32Array,
    frames: number,
    align: boolean,
    signal?: AbortSignal,
  ): Promise<EncodedFrames> {
    const side = this.checkpoint.model.vision.imageSize
    const [vision, projector] = await Promise.all([this.#vision(), this.#projector()])
    const alignment = align ? await alignmentSession(this) : undefined
    const input = this.backend.tensor('float32', [frames, 3, side, side], pixels)
    const encoded = await this.run(vision, { pixel_values: input }, signal)
    try {
      const features = float32(encoded.features)
      const after = async (session: Session, output: string): Promise<Float32Array> => {
        const results = await session.run({ features }, {}, { ...(signal && { signal }) })
        return takeFloats(results, output)
      }
      const projected = await after(projector, 'visual_tokens')
      return {
        features: features.data.slice(),
        projected,
        tokens: await this.#resize(projected, frames, signal),
        alignment: alignment && (await after(alignment, 'alignment')),
      }
    } finally {
      closeAll(encoded)
    }
  }

  /** The line break among visual tokens, `[D]`; empty where the checkpoint has none. */
  async newline(): Promise<Float32Array> {
    const { source, names } = this.checkpoint
    return names.newline === undefined ? new Float32Array(0) : source.read(names.newline)
  }

  /** Rows of the embedding table, `[ids, D]`; a copy. */
  embed(ids: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
    return this.#rows.take(ids, async (missing) => {
      throwIfAborted(signal)
      const rows = new Float32Array(missing.length * this.checkpoint.model.spec.decoder.hiddenSize)
      const table = `${this.checkpoint.names.decoder.model}embed_tokens.weight`
      for (const [index, id] of missing.entries()) {
        const row = await this.checkpoint.source.readRows(table, id, id + 1)
        rows.set(row, index * row.length)
      }
      return rows
    })
  }

  /** The decoder of a kind. */
  decoder(kind: DecoderKind): Promise<Session> {
    const name = `decoder-${kind.kv}-${kind.logits}-${kind.attention}`
    return this.session(name, () => decoderGraph(this.checkpoint, this.weights, kind))
  }

  /** The graph that compresses an fp32 cache. */
  compressor(kv: Exclude<KvCacheType, 'fp32'>): Promise<Session> {
    const { decoder } = this.checkpoint.model
    return this.session(`compressor-${kv}`, async () => buildKvCompressor(decoder, kv))
  }

  /** Frees every session, then the back end, and closes the checkpoint's files. */
  async close(): Promise<void> {
    this.#closed = true
    const sessions = await Promise.allSettled(this.#sessions.values())
    this.#sessions.clear()
    try {
      await Promise.all(sessions.map((session) => session.status === 'fulfilled' && session.value.close()))
      await this.backend.close()
    } finally {
      await this.checkpoint.close()
    }
  }

  #vision(): Promise<Session> {
    return this.session('vision', () => visionGraph(this.checkpoint, this.weights))
  }

  #projector(): Promise<Session> {
    return this.session('projector', () => projectorGraph(this.checkpoint, this.weights))
  }

  /** What the checkpoint itself always makes of projected tokens, `[frames, tokens, D]`. */
  async #resize(projected: Float32Array, frames: number, signal?: AbortSignal): Promise<Float32Array> {
    const { resize } = this.checkpoint.model
    if (resize === undefined) return projected
    const session = await this.session('grid-resize', async () => buildGridResize(resize))
    const dims = [frames, resize.from[0] * resize.from[1], resize.width]
    const tokens = this.backend.tensor('float32', dims, projected)
    return takeFloats(await this.run(session, { tokens }, signal), 'resized')
  }

  /** A session by name; its graph is built when it is first needed. */
  session(name: string, build: () => Promise<GraphModel>): Promise<Session> {
    const known = this.#sessions.get(name)
    if (known !== undefined) return known
    if (this.#closed) throw new EngineError('ENGINE_CLOSED', 'The model was closed; load it again.')
    const { threads } = this.#options
    const made = build()
      .then((graph) => this.#take(graph))
      .then((model) => this.backend.session(model, { ...(threads !== undefined && { threads }) }))
    this.#sessions.set(name, made)
    // A failure is not kept, so that a later call can try again.
    made.catch(() => this.#sessions.delete(name))
    return made
  }

  /** Runs a session once; the feeds are freed. */
  async run(
    session: Session,
    feeds: Readonly<Record<string, Tensor>>,
    signal?: AbortSignal,
  ): Promise<Record<string, Tensor>> {
    try {
      return await session.run(feeds, {}, { ...(signal && { signal }) })
    } finally {
      closeAll(feeds)
    }
  }
}

export interface EncodedFrames {
  /** `[frames, patches, Dv]`, class token included where it is kept */
  readonly features: Float32Array
  /** `[frames, patches, D]`, class token included where it is kept */
  readonly projected: Float32Array
  /** `[frames, tokens, D]`: `projected`, or what the checkpoint itself always makes of it. */
  readonly tokens: Float32Array
  /** `[frames, patches, A]`, each patch of length 1, where it was asked for. */
  readonly alignment: Float32Array | undefined
}

/** A result that must be there and hold floats. */
export function float32(tensor: Tensor | undefined): Tensor<'float32'> {
  if (tensor?.type !== 'float32')
    throw new EngineError('ENGINE_FAILED', 'A graph did not return the floats it declares.')
  return tensor as Tensor<'float32'>
}

/** A copy of one result; all results are freed. */
export function takeFloats(results: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  try {
    return float32(results[name]).data.slice()
  } finally {
    closeAll(results)
  }
}

export function closeAll(tensors: Readonly<Record<string, Tensor>>): void {
  for (const tensor of Object.values(tensors)) tensor.close()
}
