import { checkInteger, checkNumber } from './check.js'
import { InvalidOptionError } from './errors.js'
import {
  AUTO_SECONDS_PER_FRAME,
  DEFAULT_MAX_FRAMES,
  EVEN_FRAMES_SHARE,
  EVEN_STEPS_SHARES,
  MAX_FRAMES,
} from './limits.js'
import type { PlanOptions } from './plan-types.js'
import { poolsEvenly } from './pooling.js'
import type { PoolingRequest } from './pooling-request.js'
import type { Stretch } from './sampling.js'
import type { ModelSpec } from './spec.js'

/** Number of frames that are sampled. */
export interface FrameCount {
  /** A multiple of `framesPerClip`. */
  readonly frames: number
  /** Before rounding to whole clips. */
  readonly requested: number
  readonly framesPerClip: number
  readonly notes: readonly string[]
}

/**
 * F, the number of frames: as asked by `frames` or `fps`, or an automatic number bounded by the pictures there are;
 * within `maxFrames`; rounded up to whole clips (down, where rounding up would break `maxFrames`).
 *
 * @throws {InvalidOptionError} If an option is out of its range, `frames` and `fps` are both given, or the token
 * budget does not hold one clip.
 */
export function chooseFrameCount(
  spec: ModelSpec,
  stretch: Stretch,
  options: PlanOptions,
  request: PoolingRequest,
): FrameCount {
  const most = checkInteger(
    'maxFrames',
    options.maxFrames ?? (options.fps === undefined ? MAX_FRAMES : DEFAULT_MAX_FRAMES),
    1,
    MAX_FRAMES,
  )
  const wanted = wantedFrames(spec, stretch, options, request, most)
  const notes = [...wanted.notes]
  const requested = Math.min(wanted.frames, most)
  if (requested < wanted.frames) {
    notes.push(`${wanted.frames} frames would be sampled; limited to ${most} by maxFrames.`)
  }
  const rounded = wholeClips(spec, requested)
  const frames = options.maxFrames === undefined ? rounded : Math.min(rounded, wholeClipsWithin(spec, most))
  if (frames !== requested) notes.push(describeRounding(spec, requested, frames))
  if (stretch.pictures !== undefined && stretch.pictures < frames) {
    const there = stretch.pictures === 1 ? 'There is 1 picture' : `There are ${stretch.pictures} pictures`
    notes.push(`${there} for ${frames} frames, so the nearest pictures repeat.`)
  }
  return { frames, requested, framesPerClip: clipLength(spec, frames), notes }
}

function describeRounding({ encoder }: ModelSpec, requested: number, frames: number): string {
  const direction = frames > requested ? 'up' : 'down'
  const { framesPerClip, mostFramesPerClip } = encoder
  const taken = mostFramesPerClip === undefined ? framesPerClip : `up to ${mostFramesPerClip}`
  return `${requested} frames rounded ${direction} to ${frames}: the encoder takes ${taken} at a time.`
}

interface WantedFrames {
  readonly frames: number
  readonly notes: readonly string[]
}

function wantedFrames(
  spec: ModelSpec,
  stretch: Stretch,
  options: PlanOptions,
  request: PoolingRequest,
  most: number,
): WantedFrames {
  const { frames = 'auto', fps } = options
  if (fps !== undefined) {
    checkNumber('fps', fps, 'frames per second, above 0', (value) => value > 0)
    if (frames !== 'auto') throw new InvalidOptionError('fps', 'to be left out where frames is a number', fps)
    const count = Math.min(Math.round(stretch.lengthSeconds * fps), Number.MAX_SAFE_INTEGER)
    return { frames: Math.max(count, 1), notes: [] }
  }
  if (frames === 'auto') {
    if (spec.remote !== undefined) return candidateFrames(spec, stretch)
    return request.method === 'none'
      ? unpooledFrames(spec, stretch, request.tokenBudget)
      : pooledFrames(spec, stretch, request, most)
  }
  return { frames: checkFrames(frames), notes: [] }
}

/**
 * Frames among which each question chooses what is sent: one for every `AUTO_SECONDS_PER_FRAME`, from `defaults.frames`
 * to `defaults.mostFrames` and the pictures there are.
 */
function candidateFrames({ defaults }: ModelSpec, stretch: Stretch): WantedFrames {
  const byLength = Math.ceil(stretch.lengthSeconds / AUTO_SECONDS_PER_FRAME)
  const wanted = Math.min(Math.max(byLength, defaults.frames), defaults.mostFrames)
  return { frames: Math.min(wanted, stretch.pictures ?? Number.POSITIVE_INFINITY), notes: [] }
}

function checkFrames(frames: unknown): number {
  if (typeof frames === 'number' && Number.isInteger(frames) && frames >= 1 && frames <= MAX_FRAMES)
    return frames
  throw new InvalidOptionError('frames', `'auto' or a whole number from 1 to ${MAX_FRAMES}`, frames)
}

/** The checkpoint's own number, as far as there are pictures and the budget holds whole clips of them. */
function unpooledFrames(spec: ModelSpec, stretch: Stretch, tokenBudget: number | undefined): WantedFrames {
  const frames = Math.min(spec.defaults.frames, stretch.pictures ?? Number.POSITIVE_INFINITY)
  const { tokensPerFrame, trailingTokens = 0 } = spec.encoder
  const tokensOf = (count: number): number => count * tokensPerFrame + trailingTokens
  if (tokenBudget === undefined || tokensOf(wholeClips(spec, frames)) <= tokenBudget) {
    return { frames, notes: [] }
  }
  const least = wholeClips(spec, 1)
  if (tokensOf(least) > tokenBudget) {
    const need = `at least ${tokensOf(least)} tokens, one clip of ${least} without pooling; or pooling`
    throw new InvalidOptionError('tokenBudget', need, tokenBudget)
  }
  const held = wholeClipsWithin(spec, Math.floor((tokenBudget - trailingTokens) / tokensPerFrame))
  return {
    frames: held,
    notes: [`${held} frames are what a budget of ${tokenBudget} tokens holds without pooling.`],
  }
}

/**
 * A frame for every `AUTO_SECONDS_PER_FRAME`, from `defaults.frames` to `defaults.mostFrames` and the pictures there
 * are; then the nearest number of frames that pools evenly, if one is near. Never falls as the video gets longer,
 * because the numbers that pool evenly do not depend on its length.
 */
function pooledFrames(
  spec: ModelSpec,
  stretch: Stretch,
  request: PoolingRequest,
  most: number,
): WantedFrames {
  const byLength = Math.ceil(stretch.lengthSeconds / AUTO_SECONDS_PER_FRAME)
  const windowed = windowFrames(request)
  const wanted = Math.max(byLength, spec.defaults.frames, windowed)
  const cap = wholeClipsWithin(spec, Math.min(most, Math.max(spec.defaults.mostFrames, windowed)))
  const pictures = stretch.pictures ?? Number.POSITIVE_INFINITY
  const target = Math.min(wanted, cap, pictures)
  const frames = nearestEven(spec, request, target, Math.min(cap, pictures))
  const limited = byLength > cap && pictures > cap
  const note = `One frame every ${AUTO_SECONDS_PER_FRAME} s would be ${byLength}; at most ${cap} are taken.`
  return { frames, notes: limited ? [note] : [] }
}

function nearestEven(spec: ModelSpec, request: PoolingRequest, target: number, cap: number): number {
  const most = Math.min(cap, Math.floor(target * (1 + EVEN_FRAMES_SHARE)))
  const least = Math.max(Math.ceil(target * (1 - EVEN_FRAMES_SHARE)), windowFrames(request))
  for (const share of EVEN_STEPS_SHARES) {
    const isEven = (frames: number): boolean =>
      wholeClips(spec, frames) === frames && poolsEvenly(spec, frames, request, share)
    for (let frames = Math.max(target, least); frames <= most; frames++) if (isEven(frames)) return frames
    for (let frames = target - 1; frames >= least; frames--) if (isEven(frames)) return frames
  }
  return target
}

/** Frames that a window or shape of the caller's needs at least. */
function windowFrames({ kernel, shape }: PoolingRequest): number {
  return Math.max(kernel?.[0] ?? 1, shape?.[0] ?? 1)
}

/** Frames of one clip where F frames are sampled: N, or F shared out equally where the encoder takes any number. */
function clipLength({ encoder }: ModelSpec, frames: number): number {
  const { framesPerClip, mostFramesPerClip } = encoder
  return mostFramesPerClip === undefined
    ? framesPerClip
    : Math.ceil(frames / Math.ceil(frames / mostFramesPerClip))
}

/** `frames` rounded up to clips of one length. */
function wholeClips(spec: ModelSpec, frames: number): number {
  const length = clipLength(spec, frames)
  return Math.ceil(frames / length) * length
}

/** The most frames in clips of one length within `frames`; one clip where even that is more. */
function wholeClipsWithin(spec: ModelSpec, frames: number): number {
  let count = frames
  while (count > 1 && wholeClips(spec, count) !== count) count--
  return wholeClips(spec, count)
}
