import { FRAME_CHOICES, InvalidOptionError, type PlanOptions } from '@longtake/core'
import { checkFields, checkSignal } from './check.js'

/** What watching is doing: opening the file, decoding pictures, encoding clips, taking the tokens in. */
export type WatchStage = 'open' | 'decode' | 'encode' | 'prefill'

export interface WatchProgress {
  readonly stage: WatchStage
  /** Frames (`decode`, `encode`), tokens (`prefill`), or 0 and 1 (`open`). */
  readonly done: number
  readonly total: number
}

/** Options of `watch`: those of the plan, and how to follow and end the work. */
export interface WatchOptions extends PlanOptions {
  /** Ends the work within one picture, batch or chunk; `watch` then rejects with `CancelledError`. */
  readonly signal?: AbortSignal | undefined
  /** Told the start and every step of each stage. What it throws ends the watching. */
  readonly onProgress?: ((progress: WatchProgress) => void) | undefined
}

/** Options of `watchFrames`. */
export interface WatchFramesOptions extends WatchOptions {
  /**
   * Whether the pictures are still images, which stand alone and may be cut into tiles; their times are then their
   * places. Default: frames of one video.
   */
  readonly stills?: boolean | undefined
}

/** A picture of one's own, instead of a video's. */
export interface InputFrame {
  /** `[height, width, 3]` red, green, blue. */
  readonly rgb: Uint8Array | Uint8ClampedArray
  readonly width: number
  readonly height: number
  /** Default the frame's index. */
  readonly timestampSeconds?: number
}

/** Milliseconds of each stage. */
export type WatchTimings = Record<WatchStage, number>

const PLAN_FIELDS: Record<keyof PlanOptions, true> = {
  frames: true,
  fps: true,
  maxFrames: true,
  startSeconds: true,
  endSeconds: true,
  layout: true,
  rope: true,
  kvCache: true,
  sampling: true,
  promptTokens: true,
  maxNewTokens: true,
  prefillChunk: true,
  memoryBudgetBytes: true,
  pooling: true,
  tokenBudget: true,
}

/** @throws {InvalidOptionError} If an option chooses frames. */
export function checkGivenFrames(options: WatchOptions): void {
  for (const name of FRAME_CHOICES) {
    if (options[name] !== undefined)
      throw new InvalidOptionError(name, 'nothing: all given pictures are watched', options[name])
  }
}

/** @throws {InvalidOptionError} If `stills` is neither true nor false. */
export function checkStills(stills: unknown): boolean {
  const value = stills ?? false
  if (typeof value !== 'boolean') throw new InvalidOptionError('stills', 'true or false', stills)
  return value
}

/** @throws {InvalidOptionError} If an option is unknown, or `signal` or `onProgress` is not what it must be. */
export function checkWatch(options: WatchOptions): WatchOptions {
  checkFields(options, [...Object.keys(PLAN_FIELDS), 'signal', 'onProgress'])
  checkSignal(options.signal)
  if (options.onProgress !== undefined && typeof options.onProgress !== 'function') {
    throw new InvalidOptionError('onProgress', 'a function', options.onProgress)
  }
  return options
}
