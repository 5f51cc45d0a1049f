import { type PlanOptions, planVideo, type VideoFacts } from '@longtake/core'
import {
  isRemoteId,
  type LoadOptions,
  type Longtake,
  load,
  type RemoteOptions,
  type VideoInputs,
  type VideoSource,
} from '@longtake/runtime'
import { checkVideoLimits, type VideoLimits } from '@longtake/runtime/link'
import { openVideo } from '@longtake/runtime/video'
import type { Engine, EngineModel, PlannedVideo } from '../services.js'

/** What strangers' videos may be, and how much of them is watched. */
export interface EngineLimits extends VideoLimits {
  readonly maxFrames: number
}

/** Options of `load` for a model: those of models behind an API are for these alone. */
export function optionsFor(id: string, remote: RemoteOptions | undefined): Pick<LoadOptions, 'remote'> {
  return isRemoteId(id) ? { remote } : {}
}

/**
 * Loads models into this process.
 *
 * @param ids - As `load` of `@longtake/runtime` takes them; clients use the same names.
 * @param remote - How models behind an API are asked.
 * @throws {LongtakeError} As `load`; nothing is left then.
 */
export async function openEngine(
  ids: readonly string[],
  limits: EngineLimits,
  remote?: RemoteOptions,
): Promise<Engine & { close(): Promise<void> }> {
  const loaded: Longtake[] = []
  const close = async (): Promise<void> => {
    await Promise.all(loaded.map((model) => model.close()))
  }
  const models = new Map<string, EngineModel>()
  try {
    for (const id of ids) {
      const longtake = await load(id, optionsFor(id, remote))
      loaded.push(longtake)
      models.set(id, engineModel(longtake, limits))
    }
  } catch (error) {
    await close()
    throw error
  }
  return { models, close, check: async () => {} }
}

function engineModel(longtake: Longtake, limits: EngineLimits): EngineModel {
  return {
    spec: longtake.spec,
    async watch(sources, options) {
      try {
        const facts = await inspect(sources, limits, options.signal)
        return await longtake.watch(inputOf(sources), bounded(options, facts, limits))
      } catch (error) {
        await closeAll(sources)
        throw error
      }
    },
    async plan(sources, { signal, onProgress: _, ...options }): Promise<PlannedVideo> {
      try {
        const facts = await inspect(sources, limits, signal)
        return { facts, plan: planVideo(longtake.spec, facts, bounded(options, facts, limits)) }
      } finally {
        await closeAll(sources)
      }
    },
  }
}

/** Reads the facts, refuses what is too much, and leaves the sources open. */
async function inspect(
  sources: readonly VideoSource[],
  limits: VideoLimits,
  signal: AbortSignal | undefined,
) {
  const video = await openVideo(inputOf(sources.map(borrowed)), { ...(signal && { signal }) })
  try {
    checkVideoLimits(video.facts, limits)
    return video.facts
  } finally {
    await video.close()
  }
}

/** Of images all are seen, so that a number of frames would be refused. */
function bounded<Options extends PlanOptions>(
  options: Options,
  facts: VideoFacts,
  { maxFrames: most }: EngineLimits,
): Options {
  return facts.stills === undefined
    ? { ...options, maxFrames: Math.min(options.maxFrames ?? most, most) }
    : options
}

/** One source as itself, several as a list. */
export function inputOf(sources: readonly VideoSource[]): VideoInputs {
  const [only] = sources
  return sources.length === 1 && only !== undefined ? only : sources
}

function borrowed(source: VideoSource): VideoSource {
  return {
    ...source,
    size: () => source.size(),
    read: (start, end) => source.read(start, end),
    close: async () => {},
  }
}

/** Closes what was opened; a source may be closed already. */
async function closeAll(sources: readonly VideoSource[]): Promise<void> {
  await Promise.allSettled(sources.map((source) => source.close()))
}
