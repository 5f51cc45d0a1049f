import type { VideoSource } from '@longtake/runtime'
import type { Range } from '../store/question.js'

/** Where the engine finds a video. */
export type EngineVideoRef =
  | { readonly type: 'link'; readonly url: string }
  /** A file that was fetched already; `name` is the same one for the same file. */
  | { readonly type: 'file'; readonly name: string; readonly open: () => Promise<VideoSource> }

/** A video to watch, and a question about it. */
export interface EngineWork {
  /** Whose video it is: a server or a person; others share nothing with it. */
  readonly owner: string
  readonly model: string
  readonly video: EngineVideoRef
  readonly range: Range
  /** As many as the model likes, where none are said. */
  readonly frames: number | null
  /** Absent: the video is watched, and nothing asked. */
  readonly question?: string | undefined
}

/** How far watching is. */
export interface EngineProgress {
  readonly stage: 'open' | 'decode' | 'encode' | 'prefill' | 'answer'
  readonly done: number
  readonly total: number
}

/** Who is told while the engine works. */
export interface EngineWatcher {
  readonly signal: AbortSignal
  readonly onProgress: (progress: EngineProgress) => void
  /** Told a piece of the answer. */
  readonly onText: (text: string) => void
}

/** A frame that the answer rests on. */
export interface Evidence {
  readonly timestampSeconds: number
  readonly weight: number
  /** PNG, where the engine has pictures. */
  readonly picture?: Uint8Array | undefined
}

export interface EngineResult {
  readonly text: string
  readonly durationSeconds: number
  /** Frames that were watched. */
  readonly frames: number
  /** Those that the answer rests on most, first. Nothing where nothing was asked. */
  readonly evidence: readonly Evidence[]
  /** PNG. */
  readonly storyboard: Uint8Array | undefined
}

/** What answers questions: models in this process' care, or another Longtake's API. */
export interface Engine {
  /** Names of the models; the first one is the default. */
  readonly models: readonly string[]
  /** @throws {LongtakeError} With a code that says why. */
  run(work: EngineWork, watcher: EngineWatcher): Promise<EngineResult>
  /** Rejects when no question could be answered now. */
  check(): Promise<void>
  close(): Promise<void>
}
