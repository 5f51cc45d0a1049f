import { checkChoice, checkInteger } from './check.js'
import { InvalidOptionError } from './errors.js'
import { MAX_CONTEXT_TOKENS } from './limits.js'
import type { PlanOptions, PoolingOptions, PoolingPlan } from './plan-types.js'
import { fitBudget } from './pooling-budget.js'
import {
  AXES,
  checkTriple,
  checkWithin,
  kernelForShape,
  leftOut,
  mapAxes,
  type PoolingKernel,
  poolingShape,
  volume,
} from './pooling-shape.js'
import type { ModelSpec, PoolingMethod, Triple } from './spec.js'

export const POOLING_METHODS: readonly PoolingMethod[] = ['none', 'average', 'max', 'guided']

const POOLING_FIELDS: readonly string[] = ['method', 'kernel', 'stride', 'shape']

/** What is asked of pooling: checked, and with the checkpoint's method where none is asked. */
export interface PoolingRequest extends PoolingOptions {
  /** Most visual tokens, where the caller says. */
  readonly tokenBudget: number | undefined
}

/**
 * What the caller asks of pooling, or the checkpoint where the caller does not.
 *
 * @throws {InvalidOptionError} If an option is unknown or out of its range, two contradict each other, or the
 * checkpoint has no guide for `guided`.
 */
export function readPooling(spec: ModelSpec, options: PlanOptions): PoolingRequest {
  const given = options.pooling ?? spec.defaults.pooling
  const asked: PoolingOptions = typeof given === 'object' ? given : { method: given }
  for (const [field, value] of Object.entries(asked)) {
    if (POOLING_FIELDS.includes(field)) continue
    throw new InvalidOptionError(
      `pooling.${field}`,
      `nothing: fields are ${POOLING_FIELDS.join(', ')}`,
      value,
    )
  }
  const method = checkChoice(
    typeof given === 'object' ? 'pooling.method' : 'pooling',
    asked.method,
    POOLING_METHODS,
  )
  if (method === 'guided' && !spec.pooling.guided) {
    const instead =
      "'average' or 'max', which need no guide: this checkpoint has no text encoder to weigh patches by"
    throw new InvalidOptionError('pooling', instead, method)
  }
  const budget = options.tokenBudget
  const tokenBudget =
    budget === undefined ? undefined : checkInteger('tokenBudget', budget, 1, MAX_CONTEXT_TOKENS)
  const request = { method, kernel: asked.kernel, stride: asked.stride, shape: asked.shape, tokenBudget }
  checkCombination(request)
  return request
}

function checkCombination({ method, kernel, stride, shape, tokenBudget }: PoolingRequest): void {
  const refuse = (field: string, reason: string, value: unknown): never => {
    throw new InvalidOptionError(field, `to be left out: ${reason}`, value)
  }
  for (const [field, value] of Object.entries({ kernel, stride, shape })) {
    if (value === undefined) continue
    checkTriple(`pooling.${field}`, value)
    if (method === 'none') refuse(`pooling.${field}`, "nothing is pooled by 'none'", value)
  }
  if (shape !== undefined && kernel !== undefined) {
    refuse('pooling.kernel', 'it follows from pooling.shape', kernel)
  }
  if (stride !== undefined && kernel === undefined) {
    refuse('pooling.stride', 'it goes with pooling.kernel only', stride)
  }
  if (tokenBudget !== undefined && (kernel ?? shape) !== undefined) {
    refuse('tokenBudget', 'the number of tokens follows from the kernel or shape of pooling', tokenBudget)
  }
}

/** The frames to pool: `units` that windows are counted in, of `framesPerUnit` frames each. */
export interface PooledFrames {
  /** Frames of a video, or images. */
  readonly units: number
  /** 1 for a video; for still images as many as the encoder takes at once. */
  readonly framesPerUnit: number
  readonly areStills: boolean
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
  const tokensBefore = count * spec.encoder.tokensPerFrame
  if (request.method === 'none') {
    checkUnpooledBudget(request, frames, tokensBefore)
    return { pooling: null, notes: [] }
  }
  const units: Triple = [frames.units, rows, columns]
  const { notes, ...chosen } = chooseKernel(spec, units, frames.areStills, request)
  const perUnit = ([first, ...rest]: Triple): Triple => [first * frames.framesPerUnit, ...rest]
  const shape = poolingShape(units, chosen.kernel, chosen.stride)
  const pooling: PoolingPlan = {
    method: request.method,
    kernel: perUnit(chosen.kernel),
    stride: perUnit(chosen.stride),
    grid: perUnit(units),
    shape,
    tokens: volume(shape),
    tokensBefore,
    temperature: spec.pooling.temperature,
  }
  return {
    pooling,
    notes: [describeTokens(spec, count, pooling), ...notes, ...noteLeftOut(units, chosen, frames)],
  }
}

function checkUnpooledBudget({ tokenBudget }: PoolingRequest, frames: PooledFrames, tokens: number): void {
  if (tokenBudget === undefined || tokens <= tokenBudget) return
  const what = frames.areStills ? `${frames.units} images` : `${frames.units} frames`
  const need = `at least the ${tokens} tokens of ${what} without pooling; else fewer, or pooling`
  throw new InvalidOptionError('tokenBudget', need, tokenBudget)
}

/** A window in units, with what should be known of it. */
interface ChosenKernel extends PoolingKernel {
  readonly notes: readonly string[]
}

function chooseKernel(
  spec: ModelSpec,
  units: Triple,
  areStills: boolean,
  { kernel, stride, shape, tokenBudget }: PoolingRequest,
): ChosenKernel {
  if (shape !== undefined) return { ...kernelForShape(units, shape), notes: [] }
  if (kernel !== undefined) {
    checkWithin('pooling.kernel', kernel, units)
    return { kernel, stride: stride ?? kernel, notes: [] }
  }
  const own = ownKernel(spec, units, areStills)
  if (tokenBudget !== undefined) return { ...fitBudget(units, own, tokenBudget, areStills), notes: own.notes }
  const ownTokens = volume(poolingShape(units, own.kernel, own.stride))
  const budget = spec.defaults.tokenBudget ?? Number.POSITIVE_INFINITY
  return ownTokens <= budget ? own : { ...fitBudget(units, own, budget, areStills), notes: own.notes }
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
  const before = `${frames} frames × ${spec.encoder.tokensPerFrame} tokens = ${tokensBefore} tokens`
  const fewer = Number((100 * (1 - tokens / tokensBefore)).toFixed(1))
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

function times(triple: Triple): string {
  return triple.join('×')
}
