import { InvalidOptionError } from './errors.js'
import type { PoolingPlan } from './plan-types.js'
import { fitBudget } from './pooling-budget.js'
import type { PoolingRequest } from './pooling-request.js'
import {
  AXES,
  checkWithin,
  kernelForShape,
  leftOut,
  mapAxes,
  type PoolingKernel,
  poolingShape,
  volume,
} from './pooling-shape.js'
import type { ModelSpec, Triple } from './spec.js'

/** The frames to pool: `units` that windows are counted in, of `framesPerUnit` frames each. */
export interface PooledFrames {
  /** Frames of a video, or images. */
  readonly units: number
  /** 1 for a video; for still images as many as the encoder takes at once. */
  readonly framesPerUnit: number
  readonly areStills: boolean
  /** Tokens of them all without pooling, and those that follow, with or without. */
  readonly tokens: number
  readonly trailingTokens: number
}

/**
 * Windows, tokens before and after; `null` where nothing is pooled.
 *
 * Without kernel, shape or budget the checkpoint's own window is taken, unless its own budget is smaller.
 *
 * @throws {InvalidOptionError} If a window lies outside the volume, or the frames exceed the budget without pooling.
 */
export function choosePooling(
  spec: ModelSpec,
  frames: PooledFrames,
  request: PoolingRequest,
): { pooling: PoolingPlan | null; notes: readonly string[] } {
  const [rows, columns] = spec.encoder.grid
  const count = frames.units * frames.framesPerUnit
  if (request.method === 'none') {
    checkUnpooledBudget(request, frames)
    return { pooling: null, notes: [] }
  }
  const units: Triple = [frames.units, rows, columns]
  const { notes, ...chosen } = chooseKernel(spec, units, frames, request)
  const perUnit = ([first, ...rest]: Triple): Triple => [first * frames.framesPerUnit, ...rest]
  const shape = poolingShape(units, chosen.kernel, chosen.stride)
  const pooling: PoolingPlan = {
    method: request.method,
    kernel: perUnit(chosen.kernel),
    stride: perUnit(chosen.stride),
    grid: perUnit(units),
    shape,
    tokens: volume(shape),
    tokensBefore: frames.tokens,
    temperature: spec.pooling.temperature,
  }
  return {
    pooling,
    notes: [describeTokens(spec, count, pooling), ...notes, ...noteLeftOut(units, chosen, frames)],
  }
}

function checkUnpooledBudget({ tokenBudget }: PoolingRequest, frames: PooledFrames): void {
  const tokens = frames.tokens + frames.trailingTokens
  if (tokenBudget === undefined || tokens <= tokenBudget) return
  const what = frames.areStills ? `${frames.units} images` : `${frames.units} frames`
  const need = `at least the ${tokens} tokens of ${what} without pooling; else fewer, or pooling`
  throw new InvalidOptionError('tokenBudget', need, tokenBudget)
}

/** A window in units, with what should be known of it. */
interface ChosenKernel extends PoolingKernel {
  /** Steps along time that were asked for or fit the budget; absent where the window came first. */
  readonly mostSteps?: number
  readonly notes: readonly string[]
}

function chooseKernel(
  spec: ModelSpec,
  units: Triple,
  { areStills, trailingTokens: trailing }: Pick<PooledFrames, 'areStills' | 'trailingTokens'>,
  { kernel, stride, shape, tokenBudget }: PoolingRequest,
): ChosenKernel {
  if (shape !== undefined) return { ...kernelForShape(units, shape), mostSteps: shape[0], notes: [] }
  if (kernel !== undefined) {
    checkWithin('pooling.kernel', kernel, units)
    return { kernel, stride: stride ?? kernel, notes: [] }
  }
  const own = ownKernel(spec, units, areStills)
  const ownTokens = volume(poolingShape(units, own.kernel, own.stride))
  const ownBudget = spec.defaults.tokenBudget ?? Number.POSITIVE_INFINITY
  if (tokenBudget === undefined && ownTokens + trailing <= ownBudget) return own
  const budget = tokenBudget ?? ownBudget
  if (budget <= trailing) throw new InvalidOptionError('tokenBudget', `at least ${trailing + 1}`, budget)
  const fitted = fitBudget(units, own, budget - trailing, areStills)
  const shared = areStills && fitted.kernel[0] > 1
  const note = `${units[0]} images are more than the budget has tokens, so images share them.`
  return { ...fitted, notes: shared ? [note] : [] }
}

/**
 * Whether a video of that many frames pools evenly: no frame is left out, and where the steps along time came first,
 * all windows are one stride long and use at least `share` of the steps that there is room for.
 */
export function poolsEvenly(
  spec: ModelSpec,
  frames: number,
  request: PoolingRequest,
  share: number,
): boolean {
  const units: Triple = [frames, ...spec.encoder.grid]
  const { trailingTokens = 0 } = spec.encoder
  const { mostSteps, ...chosen } = chooseKernel(spec, units, { areStills: false, trailingTokens }, request)
  if (leftOut(units, chosen)[0] > 0) return false
  if (mostSteps === undefined) return true
  const [steps] = poolingShape(units, chosen.kernel, chosen.stride)
  return chosen.kernel[0] === chosen.stride[0] && steps >= Math.min(frames, mostSteps) * share
}

/** The checkpoint's window, cut to a volume that is smaller. */
function ownKernel({ pooling }: ModelSpec, units: Triple, areStills: boolean): ChosenKernel {
  const kernel = areStills ? pooling.imageKernel : pooling.kernel
  const stride = areStills ? pooling.imageStride : pooling.stride
  const fits = kernel.every((size, axis) => size <= units[axis as 0 | 1 | 2])
  if (fits) return { kernel, stride, notes: [] }
  const cut = (triple: Triple): Triple => mapAxes((axis) => Math.min(triple[axis], units[axis]))
  const note = `The checkpoint's pooling window of ${times(kernel)} is cut to ${times(cut(kernel))}: there are no more patches.`
  return { kernel: cut(kernel), stride: cut(stride), notes: [note] }
}

function describeTokens(
  spec: ModelSpec,
  frames: number,
  { method, tokens, tokensBefore }: PoolingPlan,
): string {
  const perFrame = spec.encoder.tokensPerFrame
  const before = `${count(frames, 'frame')} × ${count(perFrame, 'token')} = ${count(tokensBefore, 'token')}`
  // Some token is always left, however little that is.
  const fewer = Math.min(Number((100 * (1 - tokens / tokensBefore)).toFixed(1)), 99.9)
  return `${before} pooled to ${tokens}, ${fewer} % fewer (${method}).`
}

function noteLeftOut(units: Triple, kernel: PoolingKernel, { areStills }: PooledFrames): string[] {
  const missing = leftOut(units, kernel)
  const parts = AXES.flatMap((name, axis) => {
    const count = missing[axis as 0 | 1 | 2]
    const word = areStills && axis === 0 ? 'images' : name
    return count === 0 ? [] : [`${count} of ${units[axis as 0 | 1 | 2]} ${word}`]
  })
  if (parts.length === 0) return []
  const window = `windows of ${times(kernel.kernel)}, ${times(kernel.stride)} apart`
  return [`Pooling leaves out ${parts.join(', ')}: ${window}, do not reach them.`]
}

function count(value: number, word: string): string {
  return `${value} ${word}${value === 1 ? '' : 's'}`
}

function times(triple: Triple): string {
  return triple.join('×')
}
