import { InvalidOptionError, type VideoPlan } from '@longtake/core'
import type { PromptIds } from '../checkpoint/prompt.js'
import { throwIfAborted } from '../ort/abort.js'
import { checkQuestion, checkText } from './ask-options.js'
import { checkInteger } from './check.js'
import { type EncodedFrame, encodeVideo, type FrameSink } from './encode.js'
import { encoderPlan } from './encoder-plan.js'
import { generate } from './generate.js'
import { type GuideReading, readGuide } from './guide.js'
import { makeFeatures } from './make-features.js'
import type { Models } from './models.js'
import { poolFeatures } from './pool.js'
import { makePrefix, openContext, type Prefix } from './prefix.js'
import { greedy } from './sampler.js'
import { StageClock } from './stage-clock.js'
import { TextStream } from './text-stream.js'
import { planPictures } from './watch.js'
import {
  checkStills,
  checkWatch,
  type InputFrame,
  type WatchFramesOptions,
  type WatchOptions,
} from './watch-options.js'
import { arraySink, type PlannedVideo } from './watch-planned.js'

/** Most tokens that an inspection generates. */
const MAX_GREEDY = 4096

export interface InspectOptions extends WatchFramesOptions {
  /** The question, put into the checkpoint's own prompt. Give this or `prompt`. */
  readonly question?: string | undefined
  /** A whole prompt with the video's placeholder once; special tokens in it count. */
  readonly prompt?: string | undefined
  /** With `prompt` and guided pooling: the text that guides it; the question is taken where that is given. */
  readonly guideText?: string | undefined
  /** Tokens to generate, greedily and past any end token; default 16. */
  readonly greedyTokens?: number | undefined
}

/**
 * What was computed at each stage, for comparison with a reference. Frames, F, are in time order; where still images are
 * cut, each whole image and then its tiles, row by row.
 */
export interface Inspection {
  readonly plan: VideoPlan
  /** `[F, 3, S, S]` */
  readonly pixelValues: NamedArray
  /** `[F, N, Dv]`: the selected layer. */
  readonly visionFeatures: NamedArray
  /** `[F, N, D]` */
  readonly projected: NamedArray
  /** `[A]`, of length 1: the question as the guide sees it. This and what follows with guided pooling only. */
  readonly textEmbedding?: NamedArray
  /** `[F, P, A]`: each patch as the guide sees it, of length 1. */
  readonly patchEmbeddings?: NamedArray
  /** `[F, H, W]`: cosine of each patch and the question, frames in the order of the context. */
  readonly alignmentCosine?: NamedArray
  /** `[F, H, W]`: the guide's weights, adding up to 1, in the same order. */
  readonly alignment?: NamedArray
  /** `[V, D]`: the visual tokens, where they are pooled; `[F, P', D]` where the checkpoint only shrinks each frame. */
  readonly pooled?: NamedArray
  /** `[V, D]`: exactly what enters the context, in its order. */
  readonly visualTokens: NamedArray
  /** With one placeholder. */
  readonly promptIds: readonly number[]
  /** With the placeholder as often as there are visual tokens. */
  readonly inputIds: readonly number[]
  /** `[inputIds, vocabulary]` */
  readonly logits: NamedArray
  readonly greedy: readonly number[]
  /** What the KV cache really took, bytes. */
  readonly cacheBytes: number
}

export interface NamedArray {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

/** Runs given pictures and a prompt through every stage, keeping what each computed. See `Longtake.inspect`. */
export async function inspectPictures(
  models: Models,
  pictures: readonly InputFrame[],
  { question, prompt, guideText = question, greedyTokens = 16, stills, ...watch }: InspectOptions,
): Promise<Inspection> {
  checkWatch(watch)
  const areStills = checkStills(stills)
  checkInteger('greedyTokens', greedyTokens, 0, MAX_GREEDY)
  const { signal } = watch
  throwIfAborted(signal)
  const { before, after } = encodeEither(models, question, prompt)
  const options = withRoom(watch, before.length + after.length, greedyTokens)
  const planned = planPictures(models.checkpoint.model.spec, pictures, options, areStills)
  const { plan } = planned
  const prefix = await makePrefix(models, plan, before, signal)
  const { kept, guide } = await inspectVideo(models, planned, prefix.visual, guideText, signal)
  const { logits, ids, cacheBytes } = await decodeAll(models, plan, prefix.embeds, after, greedyTokens, watch)
  const { placeholderId } = models.checkpoint.model
  const inputIds = [...before, ...new Array<number>(plan.visualTokens).fill(placeholderId), ...after]
  return {
    plan,
    ...nameArrays(models, plan, kept, prefix),
    ...(guide && nameGuide(plan, kept, guide)),
    promptIds: [...before, placeholderId, ...after],
    inputIds,
    logits: { dims: [inputIds.length, logits.length / inputIds.length], data: logits },
    greedy: ids,
    cacheBytes,
  }
}

/** Encodes and pools, keeping what was computed of each frame. */
async function inspectVideo(
  models: Models,
  { plan, source }: PlannedVideo,
  visual: Float32Array,
  guideText: string | undefined,
  signal: AbortSignal | undefined,
): Promise<{ kept: FrameArrays; guide: GuideReading | undefined }> {
  const clock = new StageClock()
  const { frames } = encoderPlan(plan)
  const stages = {
    decode: clock.stage('decode', frames),
    encode: clock.stage('encode', frames),
    signal,
  }
  const { pooling } = plan
  if (pooling === null) {
    const kept = new FrameArrays(frames, arraySink(models, plan, visual))
    await encodeVideo(models, plan, source, kept, stages)
    return { kept, guide: undefined }
  }
  const kept: FrameArrays[] = []
  const wrap = (sink: FrameSink): FrameSink => {
    kept.push(new FrameArrays(frames, sink))
    return kept[0]!
  }
  const { reader } = await makeFeatures({ models, plan, source, clock, signal, place: undefined, wrap })
  try {
    const guide =
      pooling.method === 'guided'
        ? await readGuide(models, reader, pooling, checkQuestion(guideText), signal)
        : undefined
    await poolFeatures({ models, features: reader, pooling, relevance: guide?.relevance, signal }, visual)
    return { kept: kept[0]!, guide }
  } finally {
    await reader.close()
  }
}

function encodeEither(models: Models, question: string | undefined, prompt: string | undefined): PromptIds {
  if ((question === undefined) === (prompt === undefined)) {
    throw new InvalidOptionError('question', 'a question or a prompt, and not both', question)
  }
  const { checkpoint } = models
  return prompt === undefined
    ? checkpoint.encodeQuestion(checkQuestion(question))
    : checkpoint.encodePrompt(checkText('prompt', prompt))
}

function nameArrays(
  { checkpoint }: Models,
  plan: VideoPlan,
  { pixels, features, projected, tokens }: FrameArrays,
  { visual, visualTokens }: Prefix,
) {
  const { spec, vision, resize } = checkpoint.model
  const side = spec.encoder.imageSize
  const { frames } = encoderPlan(plan)
  const perFrame = [frames, features.length / frames / vision.hiddenSize]
  const width = spec.decoder.hiddenSize
  return {
    pixelValues: { dims: [frames, 3, side, side], data: pixels },
    visionFeatures: { dims: [...perFrame, vision.hiddenSize], data: features },
    projected: { dims: [...perFrame, width], data: projected },
    ...(resize && { pooled: { dims: [frames, spec.encoder.tokensPerFrame, width], data: tokens } }),
    ...(plan.pooling && { pooled: { dims: [plan.pooling.tokens, width], data: visual } }),
    visualTokens: { dims: [plan.visualTokens, width], data: visualTokens },
  }
}

function nameGuide({ pooling, frames }: VideoPlan, { alignment }: FrameArrays, guide: GuideReading) {
  const grid = pooling?.grid ?? []
  const width = guide.text.length
  return {
    textEmbedding: { dims: [width], data: guide.text },
    patchEmbeddings: { dims: [frames, alignment.length / frames / width, width], data: alignment },
    alignmentCosine: { dims: grid, data: guide.cosine },
    alignment: { dims: grid, data: guide.relevance },
  }
}

interface Decoded {
  readonly logits: Float32Array
  readonly ids: readonly number[]
  readonly cacheBytes: number
}

/** Reserves exactly what this prompt needs, unless the caller says otherwise. */
function withRoom(watch: WatchOptions, promptTokens: number, newTokens: number): WatchOptions {
  return { promptTokens, maxNewTokens: Math.max(newTokens, 1), ...watch }
}

async function decodeAll(
  models: Models,
  plan: VideoPlan,
  prefix: Float32Array,
  after: readonly number[],
  greedyTokens: number,
  { signal, memoryBudgetBytes }: WatchOptions,
): Promise<Decoded> {
  const mode = 'inspect'
  const { context, logits: head } = await openContext(models, plan, prefix, memoryBudgetBytes, {
    signal,
    mode,
  })
  try {
    const { logits: tail } = await context.feed(await models.embed(after, signal), { signal, mode })
    const logits = new Float32Array(head.length + tail.length)
    logits.set(head)
    logits.set(tail, head.length)
    const { vocabularySize } = models.checkpoint.model.spec.decoder
    const { ids } = await generate(models, context, logits.slice(-vocabularySize), {
      sampler: greedy,
      text: new TextStream(() => ''),
      maxTokens: greedyTokens,
      eosTokenIds: [],
      write: () => {},
      signal,
    })
    return { logits, ids, cacheBytes: context.cache.bytes }
  } finally {
    context.close()
  }
}

/** Keeps what was computed of each frame at the frame's place in time, and passes it on. */
class FrameArrays implements FrameSink {
  readonly #frames: number
  readonly #next: FrameSink
  pixels = new Float32Array(0)
  features = new Float32Array(0)
  projected = new Float32Array(0)
  tokens = new Float32Array(0)
  alignment = new Float32Array(0)

  constructor(frames: number, next: FrameSink) {
    this.#frames = frames
    this.#next = next
  }

  async put(frame: EncodedFrame): Promise<void> {
    this.pixels = this.#place(this.pixels, frame.index, frame.pixels)
    this.features = this.#place(this.features, frame.index, frame.features)
    this.projected = this.#place(this.projected, frame.index, frame.projected)
    this.tokens = this.#place(this.tokens, frame.index, frame.tokens)
    if (frame.alignment) this.alignment = this.#place(this.alignment, frame.index, frame.alignment)
    await this.#next.put(frame)
  }

  #place(all: Float32Array<ArrayBuffer>, index: number, values: Float32Array): Float32Array<ArrayBuffer> {
    const whole = all.length > 0 ? all : new Float32Array(this.#frames * values.length)
    whole.set(values, index * values.length)
    return whole
  }
}
