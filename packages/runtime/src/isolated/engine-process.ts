import { EngineError, type VideoFacts, type VideoPlan } from '@longtake/core'
import type { AskOptions } from '../engine/ask-options.js'
import type { LoadOptions } from '../engine/load-options.js'
import { type Longtake, loadWith } from '../engine/longtake.js'
import type { WatchOptions } from '../engine/watch-options.js'
import type { WatchedVideo } from '../engine/watched-video.js'
import { checkVideoLimits, type VideoLimits } from '../link/video-limits.js'
import { cancelled } from '../ort/abort.js'
import { openBackend } from '../ort/index.js'
import type { StoryboardOptions, VideoInputs } from '../video/index.js'
import type { Video } from '../video/open-video.js'
import { openDecoded } from './decoded-video.js'
import { type DecoderLimits, Decoders } from './decoders.js'
import { ENGINE_MESSAGES } from './limits.js'
import type { Handlers, Peer, Served } from './peer.js'
import { serveParent } from './program.js'
import { borrowedSource, type SourceName } from './sources.js'

/** What the server asks an engine to load. */
export interface LoadContent {
  readonly id: string
  readonly options: Omit<LoadOptions, 'signal' | 'onProgress'>
  readonly decoder: DecoderLimits
  /** What videos may be; absent: anything. */
  readonly videos: GuardedVideos | undefined
}

/** What videos may be, and how much of them is watched. */
export interface GuardedVideos extends VideoLimits {
  /** Upper bound of the option of that name, where pictures of a video are chosen. */
  readonly maxFrames?: number | undefined
}

/** What watching would do, and with what. */
export interface PlannedVideo {
  readonly facts: VideoFacts
  readonly plan: VideoPlan
}

/** What the server asks an engine to watch or plan. */
export interface WatchContent {
  readonly sources: readonly SourceName[]
  readonly isList: boolean
  readonly options: Omit<WatchOptions, 'signal' | 'onProgress'>
}

/** A question about a watched video. */
export interface AskContent {
  readonly video: number
  readonly question: string
  readonly options: Omit<AskOptions, 'signal'>
}

export interface StoryboardContent {
  readonly video: number
  readonly options: Partial<Pick<StoryboardOptions, 'weights' | 'columns'>>
}

export interface ThumbnailContent {
  readonly video: number
  readonly index: number
}

/** Holds the model and the watched videos, and does what the server asks. Bytes of a video it only passes on. */
class Engine {
  readonly #server: Peer
  readonly #videos = new Map<number, WatchedVideo>()
  #longtake: Longtake | undefined
  #decoders: Decoders | undefined
  #guarded: GuardedVideos | undefined
  /** Videos that were opened to be checked, by their first source, until the model takes them. */
  readonly #opened = new Map<unknown, Video>()
  #nextId = 1

  readonly handlers = {
    load: (content, served) => this.#load(content as LoadContent, served),
    plan: (content, served) => this.#plan(content as WatchContent, served),
    watch: (content, served) => this.#watch(content as WatchContent, served),
    ask: (content, served) => this.#ask(content as AskContent, served),
    storyboard: async (content) => {
      const { video, options } = content as StoryboardContent
      return this.#video(video).storyboard(options)
    },
    thumbnail: async (content) => {
      const { video, index } = content as ThumbnailContent
      return this.#video(video).thumbnail(index)
    },
    forget: (content) => this.#forget(content as number),
    close: () => this.#close(),
  } satisfies Handlers

  constructor(server: Peer) {
    this.#server = server
  }

  async #load({ id, options, decoder, videos }: LoadContent, { signal, tell }: Served) {
    const decoders = new Decoders(decoder)
    this.#decoders = decoders
    this.#guarded = videos
    const { hub } = options
    const asked: LoadOptions = {
      ...options,
      signal,
      ...(hub && { hub: { ...hub, onProgress: (progress) => tell({ pull: progress }) } }),
      onProgress: (progress) => tell({ build: progress }),
    }
    this.#longtake = await loadWith(id, asked, openBackend, async (input, how) => {
      const opened = this.#opened.get(firstOf(input))
      this.#opened.delete(firstOf(input))
      return opened ?? (await openDecoded(decoders, input, how))
    })
    const { spec, weights, backend } = this.#longtake
    return { spec, weights, backend }
  }

  #plan(content: WatchContent, { signal }: Served): Promise<PlannedVideo> {
    return this.#guard(content, signal, async (input, options, facts) => {
      return { facts, plan: await this.#model().plan(input, { ...options, signal }) }
    })
  }

  async #watch(content: WatchContent, { signal, tell }: Served) {
    const video = await this.#guard(content, signal, (input, options) =>
      this.#model().watch(input, { ...options, signal, onProgress: tell }),
    )
    if (signal.aborted) {
      // Nobody would ever close it.
      await video.close()
      throw cancelled(signal)
    }
    const id = this.#nextId++
    this.#videos.set(id, video)
    const { plan, facts, timestamps } = video
    return { id, plan, facts, timestamps, seen: timestamps.map((_, index) => video.seen(index)) }
  }

  async #ask({ video, question, options }: AskContent, { signal, tell }: Served) {
    const answer = this.#video(video).ask(question, { ...options, signal })
    for await (const text of answer) tell(text)
    return await answer
  }

  async #forget(id: number): Promise<void> {
    const video = this.#videos.get(id)
    await video?.close()
    this.#videos.delete(id)
  }

  async #close(): Promise<void> {
    await this.#longtake?.close()
    await this.#decoders?.close()
  }

  /** Opens a video, refuses one that is too much, and hands it to `work` before anything of it is decoded. */
  async #guard<T>(
    { sources, isList, options }: WatchContent,
    signal: AbortSignal,
    work: (input: VideoInputs, options: WatchContent['options'], facts: VideoFacts) => Promise<T>,
  ): Promise<T> {
    const decoders = this.#decoders
    if (decoders === undefined) throw new EngineError('ENGINE_CLOSED', 'No model is loaded.')
    const input = this.#borrow(sources, isList)
    const video = await openDecoded(decoders, input, { signal })
    this.#opened.set(firstOf(input), video)
    try {
      const { facts } = video
      if (this.#guarded !== undefined) checkVideoLimits(facts, this.#guarded)
      return await work(input, bounded(options, facts, this.#guarded?.maxFrames), facts)
    } finally {
      // Whoever took it closes it.
      if (this.#opened.delete(firstOf(input))) await video.close()
    }
  }

  #borrow(sources: readonly SourceName[], isList: boolean) {
    const borrowed = sources.map((source) => borrowedSource(this.#server, source))
    return isList ? borrowed : borrowed[0]!
  }

  #model(): Longtake {
    if (this.#longtake !== undefined) return this.#longtake
    throw new EngineError('ENGINE_CLOSED', 'No model is loaded.')
  }

  #video(id: number): WatchedVideo {
    const video = this.#videos.get(id)
    if (video !== undefined) return video
    throw new EngineError('ENGINE_CLOSED', 'The video was closed; watch it again.')
  }
}

function firstOf(input: VideoInputs): unknown {
  return Array.isArray(input) ? input[0] : input
}

/** Of still images all are seen, so that a number of frames would be refused. */
function bounded(
  options: WatchContent['options'],
  facts: VideoFacts,
  most: number | undefined,
): WatchContent['options'] {
  if (most === undefined || facts.stills !== undefined) return options
  return { ...options, maxFrames: Math.min(options.maxFrames ?? most, most) }
}

serveParent(ENGINE_MESSAGES, (server) => new Engine(server).handlers)
