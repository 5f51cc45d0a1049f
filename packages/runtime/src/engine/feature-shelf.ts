import { VideoError, type VideoPlan } from '@longtake/core'
import {
  cacheFolder,
  contentKey,
  DEFAULT_CACHE_BYTES,
  FeatureCache,
  FeatureCacheError,
  type FeatureLayout,
  type FeatureReader,
  type FeatureWriter,
} from '../features/index.js'
import { openSources } from '../video/video-file.js'
import type { VideoInputs, VideoSource } from '../video/video-source.js'
import { cacheKey, checkpointIdentity } from './cache-key.js'
import type { Models } from './models.js'
import type { Shelf, ShelfPlace } from './shelf.js'

/** Where encoded features are kept on disk. */
export interface CacheOptions {
  /** Default `LONGTAKE_CACHE` of the environment, else `longtake` in the user's own folder for caches. */
  readonly folder?: string | undefined
  /** Most bytes on disk, 1 or more; what was not used for longest goes first. Default 4 GiB. */
  readonly maxBytes?: number | undefined
}

/** The feature cache of a loaded model, on disk. */
export class FeatureShelf implements Shelf {
  readonly #models: Models
  readonly #options: CacheOptions
  #cache: Promise<FeatureCache> | undefined
  #identity: string | undefined

  constructor(models: Models, options: CacheOptions) {
    this.#models = models
    this.#options = options
  }

  openSources(input: VideoInputs): Promise<VideoSource[]> {
    return openSources(input)
  }

  async place(
    sources: readonly VideoSource[],
    plan: VideoPlan,
    notes: string[],
    signal: AbortSignal | undefined,
  ): Promise<CachePlace | undefined> {
    try {
      const cache = await this.#open()
      const video = { sources, content: await contentKeys(sources, signal) }
      const key = cacheKey(video.content, await this.#identify(signal), plan)
      return new CachePlace(cache, key, video, notes)
    } catch (error) {
      notes.push(withoutCache(error))
      return undefined
    }
  }

  #open(): Promise<FeatureCache> {
    const { folder = cacheFolder(), maxBytes = DEFAULT_CACHE_BYTES } = this.#options
    const opened = this.#cache ?? FeatureCache.open({ folder, maxBytes })
    this.#cache = opened
    // A folder that cannot be used now may be there later.
    opened.catch(() => {
      this.#cache = undefined
    })
    return opened
  }

  /** The value is shared and not the work, so that nobody's cancellation reaches another's video. */
  async #identify(signal: AbortSignal | undefined): Promise<string> {
    this.#identity ??= await checkpointIdentity(this.#models, signal)
    return this.#identity
  }
}

/** A video's bytes, and what names them. */
interface VideoContent {
  readonly sources: readonly VideoSource[]
  readonly content: readonly string[]
}

/** One video's place in the cache. */
class CachePlace implements ShelfPlace {
  readonly #cache: FeatureCache
  readonly #key: string
  readonly #video: VideoContent
  readonly #notes: string[]

  constructor(cache: FeatureCache, key: string, video: VideoContent, notes: string[]) {
    this.#cache = cache
    this.#key = key
    this.#video = video
    this.#notes = notes
  }

  async find<R>(
    read: (reader: FeatureReader) => Promise<R>,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly reader: FeatureReader; readonly value: R } | undefined> {
    let reader: FeatureReader | undefined
    try {
      reader = await this.#cache.find(this.#key, signal)
      if (reader === undefined) return undefined
      const value = await read(reader)
      this.#notes.push('Features came from the cache: nothing was decoded or encoded.')
      return { reader, value }
    } catch (error) {
      await reader?.close()
      this.#notes.push(withoutCache(error))
      return undefined
    }
  }

  create(layout: FeatureLayout): Promise<FeatureWriter> {
    return this.#cache.create(this.#key, layout, (problem) => this.#notes.push(withoutCache(problem)))
  }

  async requireUnchanged(signal: AbortSignal | undefined): Promise<void> {
    const { sources, content } = this.#video
    const now = await contentKeys(sources, signal)
    const changed = sources.find((_, index) => now[index] !== content[index])
    if (changed === undefined) return
    const message = `${changed.name} was changed while it was being watched. Watch it again once it is complete.`
    throw new VideoError('VIDEO_UNREADABLE', message)
  }
}

async function contentKeys(
  sources: readonly VideoSource[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const keys: string[] = []
  for (const source of sources) keys.push(await contentKey(source, signal))
  return keys
}

function withoutCache(error: unknown): string {
  if (!(error instanceof FeatureCacheError)) throw error
  return `The feature cache was not used: ${error.message}`
}
