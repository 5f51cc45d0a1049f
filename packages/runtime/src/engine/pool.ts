import { type PoolingPlan, poolingWindows, type Triple } from '@longtake/core'
import { buildPooling } from '@longtake/kernels'
import type { FeatureReader } from '../features/types.js'
import { throwIfAborted } from '../ort/abort.js'
import { type Models, takeFloats } from './models.js'

/** Tokens that one run of pooling takes, bytes, as they come and as windows hold them. */
const POOL_BYTES = 32 * 1024 * 1024

/** What a video's features are pooled by. */
export interface PoolWork {
  readonly models: Models
  readonly features: FeatureReader
  readonly pooling: PoolingPlan
  /** `[F · H · W]`, frames in the order of the context; for guided pooling. */
  readonly relevance: Float32Array | undefined
  readonly signal: AbortSignal | undefined
  /** Most bytes of one run. */
  readonly mostBytes?: number
}

/**
 * Pools a video's tokens, a few windows along time at once; windows longer than that are pooled in pieces of time and
 * put together, so that memory does not depend on the video or on the window.
 *
 * @param target - Receives the pooled tokens, `[windows, D]`.
 * @throws {CancelledError} If the signal fires, within one run.
 */
export async function poolFeatures(work: PoolWork, target: Float32Array): Promise<void> {
  const { pooling, signal } = work
  const { kernel, stride, shape } = pooling
  const [, rows, columns] = shape
  const width = target.length / pooling.tokens
  const { mostBytes = POOL_BYTES } = work
  const frameBytes =
    Math.max(pooling.grid[1] * pooling.grid[2], rows * columns * kernel[1] * kernel[2]) * width * 4
  const mostFrames = Math.max(1, Math.floor(mostBytes / frameBytes))
  // Windows that overlap hold frames more than once.
  const steps = Math.floor(mostFrames / Math.max(kernel[0], stride[0]))
  for (let first = 0; first < shape[0]; first += Math.max(steps, 1)) {
    throwIfAborted(signal)
    const end = Math.min(first + Math.max(steps, 1), shape[0])
    const pooled =
      steps > 0
        ? await poolPiece(work, first * stride[0], [(end - 1 - first) * stride[0] + kernel[0], kernel[0]])
        : await poolLongWindow(work, first * stride[0], mostFrames)
    target.set(pooled, first * rows * columns * width)
  }
}

/** Pools frames from `firstFrame` on: `frames` of them, in windows of `depth` frames. */
async function poolPiece(
  { models, features, pooling, relevance, signal }: PoolWork,
  firstFrame: number,
  [frames, depth]: readonly [number, number],
): Promise<Float32Array> {
  const { grid, kernel, stride, shape, method, temperature } = pooling
  const patches = grid[1] * grid[2]
  const [, rows, columns] = shape
  const steps = Math.floor((frames - depth) / stride[0]) + 1
  const piece = {
    grid: [frames, grid[1], grid[2]] as Triple,
    kernel: [depth, kernel[1], kernel[2]] as Triple,
    stride,
    shape: [steps, rows, columns] as Triple,
  }
  const { members } = poolingWindows(piece, 0, steps)
  const tokens = await features.read('projected', firstFrame, firstFrame + frames)
  const session = await models.session(`pooling-${method}`, async () => buildPooling(method))
  const { backend } = models
  const windows = steps * rows * columns
  const weights = relevance?.slice(firstFrame * patches, (firstFrame + frames) * patches)
  const feeds = {
    tokens: backend.tensor('float32', [frames * patches, tokens.length / frames / patches], tokens),
    members: backend.tensor(
      'int64',
      [windows, members.length / windows],
      BigInt64Array.from(members, BigInt),
    ),
    ...(method === 'guided' &&
      weights && {
        weights: backend.tensor('float32', [weights.length], weights),
        temperature: backend.tensor('float32', [], Float32Array.of(temperature)),
      }),
  }
  return takeFloats(await models.run(session, feeds, signal), 'pooled')
}

/** One step of windows in pieces of at most `mostFrames` frames, each counting by what it holds of the window. */
async function poolLongWindow(work: PoolWork, firstFrame: number, mostFrames: number): Promise<Float32Array> {
  const { pooling, signal } = work
  const depth = pooling.kernel[0]
  const windows = pooling.shape[1] * pooling.shape[2]
  const sums = new Merge(pooling.method, windows)
  for (let done = 0; done < depth; done += mostFrames) {
    throwIfAborted(signal)
    const frames = Math.min(mostFrames, depth - done)
    const pooled = await poolPiece(work, firstFrame + done, [frames, frames])
    sums.add(pooled, pieceMasses(work, firstFrame + done, frames))
  }
  return sums.result()
}

/** Largest weight of a piece, and the sum of exp((weight − largest) / temperature), of each window; see `Merge`. */
interface Masses {
  readonly peak: Float64Array
  readonly mass: Float64Array
}

function pieceMasses({ pooling, relevance }: PoolWork, firstFrame: number, frames: number): Masses {
  const { grid, kernel, stride, shape, temperature } = pooling
  const windows = shape[1] * shape[2]
  const size = frames * kernel[1] * kernel[2]
  const peak = new Float64Array(windows)
  const mass = new Float64Array(windows).fill(size)
  if (relevance === undefined) return { peak, mass }
  const piece = {
    grid: [frames, grid[1], grid[2]] as Triple,
    kernel: [frames, kernel[1], kernel[2]] as Triple,
    stride,
    shape: [1, shape[1], shape[2]] as Triple,
  }
  const { members } = poolingWindows(piece, 0, 1)
  const start = firstFrame * grid[1] * grid[2]
  for (let window = 0; window < windows; window++) {
    const own = Array.from(
      members.subarray(window * size, (window + 1) * size),
      (member) => relevance[start + member]!,
    )
    peak[window] = own.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY) / temperature
    mass[window] = own.reduce((sum, value) => sum + Math.exp(value / temperature - peak[window]!), 0)
  }
  return { peak, mass }
}

/** Puts pieces of the same windows together. */
class Merge {
  readonly #method: PoolingPlan['method']
  readonly #windows: number
  #values: Float64Array | undefined
  #masses: Masses | undefined

  constructor(method: PoolingPlan['method'], windows: number) {
    this.#method = method
    this.#windows = windows
  }

  add(pooled: Float32Array, masses: Masses): void {
    const [values, known] = [this.#values, this.#masses]
    if (values === undefined || known === undefined) {
      this.#values = Float64Array.from(pooled)
      this.#masses = masses
      return
    }
    const width = pooled.length / this.#windows
    for (let window = 0; window < this.#windows; window++) {
      const share = joinMasses(known, masses, window)
      for (let at = window * width; at < (window + 1) * width; at++) {
        values[at] =
          this.#method === 'max'
            ? Math.max(values[at]!, pooled[at]!)
            : values[at]! + share * (pooled[at]! - values[at]!)
      }
    }
  }

  result(): Float32Array {
    return Float32Array.from(this.#values ?? [])
  }
}

/** Adds a window's mass of a new piece to what is known. @returns The new piece's share of both. */
function joinMasses(known: Masses, added: Masses, window: number): number {
  const peak = Math.max(known.peak[window]!, added.peak[window]!)
  const old = known.mass[window]! * Math.exp(known.peak[window]! - peak)
  const fresh = added.mass[window]! * Math.exp(added.peak[window]! - peak)
  known.peak[window] = peak
  known.mass[window] = old + fresh
  return fresh / (old + fresh)
}
