import { InvalidOptionError, isLongtakeError } from '@longtake/core'
import {
  type EngineModel,
  type EngineVideo,
  type Log,
  openEngine,
  openIsolatedEngine,
} from '@longtake/edge-api/parts'
import type { VideoSource, WatchOptions } from '@longtake/runtime'
import { type Lease, OpenVideos } from '@longtake/runtime/open-videos'
import type { Limits } from '../config/config.js'
import type { Engine, EngineResult, EngineWatcher, EngineWork } from './engine.js'
import { mostWeighed } from './evidence.js'

/** Opens links of strangers; what is not safe to open is refused here. */
export type OpenLink = (url: string, signal: AbortSignal) => Promise<VideoSource>

export interface LocalEngineOptions {
  readonly models: readonly string[]
  /** Whether models and decoders run in processes of their own. */
  readonly isIsolated: boolean
  readonly limits: Limits
  readonly openLink: OpenLink
  readonly log: Log
}

/**
 * Models that this process loads, or that it starts processes for.
 *
 * @throws {LongtakeError} If a model cannot be loaded; nothing is left then.
 */
export async function openLocalEngine(options: LocalEngineOptions): Promise<Engine> {
  const { models, isIsolated, limits, log } = options
  const engineLimits = { maxSeconds: limits.maxVideoSeconds, maxFrames: limits.maxFrames }
  const loaded = isIsolated
    ? await openIsolatedEngine(models, engineLimits, log)
    : await openEngine(models, engineLimits)
  const open = new OpenVideos<EngineVideo>(limits.openVideos)
  return {
    models: [...loaded.models.keys()],
    run: (work, watcher) => run({ ...options, open, loaded: loaded.models }, work, watcher),
    check: () => loaded.check(),
    async close() {
      await open.close()
      await loaded.close()
    },
  }
}

interface Kit extends LocalEngineOptions {
  readonly open: OpenVideos<EngineVideo>
  readonly loaded: ReadonlyMap<string, EngineModel>
}

async function run(kit: Kit, work: EngineWork, watcher: EngineWatcher): Promise<EngineResult> {
  const { signal, onProgress } = watcher
  const { frames, range, model } = work
  const key = JSON.stringify([work.owner, model, nameOf(work), frames, range])
  await using lease = await kit.open.acquire(
    key,
    (stop, tell) => watch(kit, work, stop, tell),
    signal,
    onProgress,
  )
  return answer(lease, work, watcher, kit.limits)
}

function nameOf({ video }: EngineWork): string {
  return video.type === 'link' ? `link ${video.url}` : `file ${video.name}`
}

async function watch(
  kit: Kit,
  { model, video, frames, range }: EngineWork,
  signal: AbortSignal,
  onProgress: NonNullable<WatchOptions['onProgress']>,
): Promise<EngineVideo> {
  const engine = kit.loaded.get(model)
  if (engine === undefined) throw new InvalidOptionError('model', 'the name of a model of this bot', model)
  onProgress({ stage: 'open', done: 0, total: 1 })
  const source = video.type === 'link' ? await kit.openLink(video.url, signal) : await video.open()
  const memoryBudgetBytes = kit.limits.maxCacheBytes
  return engine.watch([source], {
    ...range,
    ...(frames !== null && { frames }),
    memoryBudgetBytes,
    signal,
    onProgress,
  })
}

async function answer(
  lease: Lease<EngineVideo>,
  { question }: EngineWork,
  { signal, onProgress, onText }: EngineWatcher,
  { maxTokens }: Limits,
): Promise<EngineResult> {
  const { video } = lease
  const facts = { durationSeconds: video.facts.durationSeconds, frames: video.plan.frames }
  if (question === undefined) return { ...facts, text: '', evidence: [], storyboard: undefined }
  try {
    onProgress({ stage: 'answer', done: 0, total: 1 })
    const asked = video.ask(question, { maxTokens: Math.min(maxTokens, video.plan.maxNewTokens), signal })
    for await (const text of asked) onText(text)
    const { text, frames } = await asked
    const evidence = await Promise.all(
      mostWeighed(frames, facts.durationSeconds).map(async ({ index, timestamp, weight }) => ({
        timestampSeconds: timestamp,
        weight,
        picture: await video.thumbnail(index),
      })),
    )
    const storyboard = await video.storyboard({ weights: frames.map(({ weight }) => weight) })
    return { ...facts, text, evidence, storyboard }
  } catch (error) {
    // A video is gone with its engine: the next attempt has to watch it again.
    if (isLongtakeError(error) && error.code.startsWith('ENGINE_')) lease.discard()
    throw error
  }
}
