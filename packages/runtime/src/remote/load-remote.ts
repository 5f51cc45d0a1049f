import {
  EngineError,
  InvalidOptionError,
  MAX_CONTEXT_TOKENS,
  type ModelSpec,
  type VideoPlan,
} from '@longtake/core'
import { checkObject } from '../engine/check.js'
import { videoSource } from '../engine/frame-source.js'
import type { Inspection } from '../engine/inspect.js'
import { Lifetime } from '../engine/lifetime.js'
import { checkLoad, type LoadOptions } from '../engine/load-options.js'
import type { Longtake } from '../engine/longtake.js'
import type { OpenVideo } from '../engine/platform.js'
import { StageClock } from '../engine/stage-clock.js'
import { planInput, planOpenVideo, planPictures, reportOrClose } from '../engine/watch.js'
import {
  checkStills,
  checkWatch,
  type InputFrame,
  type WatchFramesOptions,
  type WatchOptions,
} from '../engine/watch-options.js'
import type { PlannedVideo } from '../engine/watch-planned.js'
import type { WatchedVideo } from '../engine/watched-video.js'
import { throwIfAborted } from '../ort/abort.js'
import type { VideoInputs } from '../video/index.js'
import { Endpoint } from './endpoint.js'
import { GuidedVideo, requireGuide } from './guide.js'
import { keepPictures } from './kept-pictures.js'
import { isRemoteId, parseRemoteId } from './remote-id.js'
import { type CheckedRemote, checkRemote } from './remote-options.js'
import { RemoteVideo } from './remote-video.js'

/** What remote models need of this machine. */
export interface RemoteTools {
  readonly openVideo: OpenVideo
  /** Loads a guide. */
  readonly load: (id: string, options: LoadOptions) => Promise<Longtake>
}

/** Options about a model of this machine: the guide's, where there is one. */
const LOCAL = ['backend', 'weights', 'threads', 'hub', 'builds'] as const

/**
 * Makes ready to ask a model behind an API. The API is not asked anything before something is watched.
 *
 * @throws {InvalidOptionError} If the id or an option is of no use there.
 * @throws Whatever loading the guide throws.
 */
export async function loadRemote(
  id: string | URL,
  { remote: asked, cache, signal, ...local }: LoadOptions,
  tools: RemoteTools,
): Promise<Longtake> {
  checkLoad({ cache, signal, ...local })
  const { base, model } = parseRemoteId(id)
  const remote = checkRemote(asked)
  throwIfAborted(signal)
  if (cache) throw new InvalidOptionError('cache', 'false: nothing is encoded that could be kept', cache)
  const endpoint = new Endpoint({ base, model }, remote.key, remote.timeoutSeconds)
  return new RemoteLongtake(
    endpoint,
    remote,
    tools.openVideo,
    await loadGuide(remote, { ...local, signal }, tools),
  )
}

async function loadGuide(
  { guide: id }: CheckedRemote,
  { signal, ...local }: LoadOptions,
  tools: RemoteTools,
): Promise<Longtake | undefined> {
  if (id === false) {
    for (const name of LOCAL) {
      if (local[name] === undefined) continue
      throw new InvalidOptionError(
        name,
        'nothing: the model runs elsewhere, and there is no remote.guide',
        local[name],
      )
    }
    return undefined
  }
  if (isRemoteId(id)) throw new InvalidOptionError('remote.guide', 'a model of this machine', id)
  const guide = await tools.load(id, { ...local, signal })
  try {
    requireGuide(guide, id)
    return guide
  } catch (error) {
    await guide.close()
    throw error
  }
}

class RemoteLongtake implements Longtake {
  readonly spec: ModelSpec
  readonly weights = undefined
  readonly backend: Longtake['backend']
  readonly #endpoint: Endpoint
  readonly #remote: CheckedRemote
  readonly #openVideo: OpenVideo
  readonly #guide: Longtake | undefined
  readonly #lifetime = new Lifetime()

  constructor(endpoint: Endpoint, remote: CheckedRemote, openVideo: OpenVideo, guide: Longtake | undefined) {
    this.spec = specOf(remote, guide)
    this.backend = { name: 'remote', reason: `${endpoint.model} at ${endpoint.host}` }
    this.#endpoint = endpoint
    this.#remote = remote
    this.#openVideo = openVideo
    this.#guide = guide
  }

  plan(input: VideoInputs, options: WatchOptions = {}): Promise<VideoPlan> {
    return this.#lifetime.work(options, (linked) =>
      planInput(this.spec, this.#openVideo, input, checkWatch(linked)),
    )
  }

  watch(input: VideoInputs, options: WatchOptions = {}): Promise<WatchedVideo> {
    return this.#lifetime.watch(options, (linked) => this.#watch(input, linked))
  }

  async watchFrames(frames: readonly InputFrame[], options: WatchFramesOptions = {}): Promise<WatchedVideo> {
    const { stills, ...watch } = checkObject(options)
    const areStills = checkStills(stills)
    return this.#lifetime.watch(watch, async (linked) => {
      throwIfAborted(linked.signal)
      const planned = planPictures(this.spec, frames, linked, areStills)
      await this.#endpoint.check(linked.signal)
      return this.#keep(planned, linked, new StageClock(linked.onProgress))
    })
  }

  async inspect(): Promise<Inspection> {
    throw new EngineError(
      'ENGINE_UNAVAILABLE',
      'What a model that runs elsewhere computes cannot be inspected here.',
    )
  }

  close(): Promise<void> {
    return this.#lifetime.end(async () => this.#guide?.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #watch(input: VideoInputs, options: WatchOptions): Promise<WatchedVideo> {
    const { signal } = options
    const clock = new StageClock(options.onProgress)
    throwIfAborted(signal)
    const video = await clock.run('open', 1, async (report) =>
      reportOrClose(await this.#openVideo(input, { ...(signal && { signal }) }), report),
    )
    try {
      const plan = planOpenVideo(this.spec, video, options)
      // Nothing need be decoded for a server that is not there.
      await this.#endpoint.check(signal)
      return await this.#keep({ plan, facts: video.facts, source: videoSource(video, plan) }, options, clock)
    } finally {
      await video.close()
    }
  }

  async #keep(
    { plan, facts, source }: PlannedVideo,
    { signal }: WatchOptions,
    clock: StageClock,
  ): Promise<WatchedVideo> {
    const areStills = facts.stills !== undefined
    const { pictureSide: side, tokensPerFrame } = this.#remote
    const { jpegs, guided, notes, thumbnails, timestamps } = await clock.run(
      'decode',
      plan.frames,
      (onPicture) =>
        keepPictures(plan, source, { side, hasGuide: this.#guide !== undefined, onPicture, signal }),
    )
    const guide =
      this.#guide &&
      (await clock.run('encode', plan.frames, (onPicture) =>
        GuidedVideo.watch(this.#guide!, guided, { areStills, signal, onPicture }),
      ))
    return new RemoteVideo({
      endpoint: this.#endpoint,
      plan: { ...plan, notes: [...plan.notes, ...notes] },
      facts,
      pictures: { thumbnails, timestamps },
      jpegs,
      guide,
      tokensPerFrame,
      timings: clock.timings,
      onClose: this.#lifetime.onClose,
    })
  }
}

/** What planning knows of a model behind an API. */
function specOf(remote: CheckedRemote, guide: Longtake | undefined): ModelSpec {
  const { sendFrames, pictureSide, tokensPerFrame, contextTokens = MAX_CONTEXT_TOKENS } = remote
  const most = guide === undefined ? sendFrames : Math.max(sendFrames, guide.spec.defaults.mostFrames)
  return {
    family: 'openai',
    encoder: {
      framesPerClip: 1,
      imageSize: pictureSide,
      tokensPerFrame,
      grid: [1, tokensPerFrame],
      classToken: false,
    },
    remote: { sendFrames },
    decoder: { layers: 0, kvHeads: 0, headDim: 0, hiddenSize: 0, vocabularySize: 0 },
    rope: { theta: 10_000, scaling: { type: 'none' } },
    context: { trainedLength: contextTokens, nominalLength: contextTokens },
    pooling: {
      guided: false,
      temperature: 1,
      kernel: [1, 1, 1],
      stride: [1, 1, 1],
      imageKernel: [1, 1, 1],
      imageStride: [1, 1, 1],
    },
    defaults: {
      frames: sendFrames,
      ropeType: 'none',
      kvCache: 'fp32',
      pooling: 'none',
      tokenBudget: undefined,
      mostFrames: most,
    },
  }
}
