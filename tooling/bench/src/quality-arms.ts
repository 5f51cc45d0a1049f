import {
  CLIP_LAYOUTS,
  type ClipLayout,
  KV_CACHE_TYPES,
  type KvCacheType,
  MAX_FRAMES,
  type PoolingMethod,
  type RopeType,
  type VideoPlan,
} from '@longtake/core'

/** One way to watch and answer. */
export interface FixedArm {
  readonly frames: number
  readonly layout: ClipLayout
  readonly rope: RopeType
  readonly kv: KvCacheType
  readonly pooling: PoolingMethod
  /** Most visual tokens in the context; only where tokens are pooled. */
  readonly tokenBudget?: number
}

/** What everybody gets who says nothing. */
interface DefaultArm {
  readonly frames: 'auto'
}

export type Arm = FixedArm | DefaultArm

/** What is pooled by, or `auto`: the default plan. */
type PoolingChoice = PoolingMethod | 'auto'

export const POOLING_CHOICES = ['none', 'average', 'max', 'guided', 'auto'] as const

/** What is varied. */
export interface ArmAxes {
  readonly frames: readonly number[]
  readonly layouts: readonly ClipLayout[]
  readonly ropes: readonly RopeType[]
  readonly kvs: readonly KvCacheType[]
  readonly poolings: readonly PoolingChoice[]
  /** Token budgets of pooled arms; undefined = as many tokens as frames, half and a quarter of that. */
  readonly budgets: readonly number[] | undefined
}

export const DEFAULT_AXES: ArmAxes = {
  frames: [8, 16, 32, 64],
  layouts: CLIP_LAYOUTS,
  ropes: ['ntk', 'none', 'linear', 'dynamic', 'yarn'],
  kvs: KV_CACHE_TYPES,
  poolings: ['none', 'average', 'guided', 'auto'],
  budgets: undefined,
}

/** The arm around which one axis at a time is varied: the paper's method, uncompressed. */
const CENTRE = { layout: 'interleaved', rope: 'ntk', kv: 'fp32' } as const

/**
 * Arms to run. Without pooling: for each number of frames the centre, then every other value of each axis with the
 * other axes at the centre; or the whole product. Pooled: the centre of every method at every budget, so that methods
 * meet at equal budgets, with the frames named and with twice as many. Last the default plan.
 *
 * @param isFull - Whether the product is wanted.
 */
export function chooseArms(axes: ArmAxes, isFull: boolean): readonly Arm[] {
  const plain = axes.poolings.includes('none') ? choosePlain(axes, isFull) : []
  const automatic: readonly Arm[] = axes.poolings.includes('auto') ? [{ frames: 'auto' }] : []
  return [...plain, ...choosePooled(axes), ...automatic]
}

function choosePlain(axes: ArmAxes, isFull: boolean): readonly FixedArm[] {
  const layout = startWith(axes.layouts, CENTRE.layout)
  const rope = startWith(axes.ropes, CENTRE.rope)
  const kv = startWith(axes.kvs, CENTRE.kv)
  const product: readonly FixedArm[] = axes.frames.flatMap((frames) =>
    layout.flatMap((l) =>
      rope.flatMap((r) => kv.map((k) => ({ frames, layout: l, rope: r, kv: k, pooling: 'none' }))),
    ),
  )
  if (isFull) return product
  return product.filter(
    (arm) => [arm.layout !== layout[0], arm.rope !== rope[0], arm.kv !== kv[0]].filter(Boolean).length < 2,
  )
}

function choosePooled(axes: ArmAxes): readonly FixedArm[] {
  const [layout = CENTRE.layout] = startWith(axes.layouts, CENTRE.layout)
  const [rope = CENTRE.rope] = startWith(axes.ropes, CENTRE.rope)
  const [kv = CENTRE.kv] = startWith(axes.kvs, CENTRE.kv)
  const arms = new Map<string, FixedArm>()
  for (const pooling of axes.poolings) {
    if (pooling === 'none' || pooling === 'auto') continue
    for (const base of axes.frames) {
      for (const frames of [base, 2 * base].filter((count) => count <= MAX_FRAMES)) {
        for (const tokenBudget of axes.budgets ?? budgetsOf(base)) {
          const arm = { frames, layout, rope, kv, pooling, tokenBudget }
          arms.set(describeArm(arm), arm)
        }
      }
    }
  }
  return [...arms.values()]
}

/** As many tokens as frames, which is a fifth of what a frame of 2 × 2 patches and a class token has; then less. */
function budgetsOf(frames: number): readonly number[] {
  return [frames, frames / 2, frames / 4].map((budget) => Math.max(1, Math.round(budget)))
}

/** Arms whose plans compute the same thing, so that one run answers for all of them. */
export interface ArmGroup {
  readonly arms: readonly Arm[]
  /** The one that is run. */
  readonly run: Arm
}

/**
 * Puts together arms that differ in name only, such as all layouts of a single clip, or all ways to scale RoPE where
 * the context is within the trained length.
 *
 * @param planOf - The plan of an arm, on any video: what is compared does not depend on the video, but for `auto`,
 *   which therefore stays alone.
 */
export function groupArms(arms: readonly Arm[], planOf: (arm: Arm) => VideoPlan): readonly ArmGroup[] {
  const groups = new Map<string, Arm[]>()
  for (const arm of arms) {
    const { clips, order, rope, kvCache, contextTokens, prefillChunk, pooling } = planOf(arm)
    const { inverseFrequencies, attentionFactor } = rope
    const angles = [inverseFrequencies, attentionFactor]
    const what = [arm.frames, clips, order, pooling, angles, kvCache.type, contextTokens, prefillChunk]
    const key = JSON.stringify(what)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [arm])
    else group.push(arm)
  }
  return [...groups.values()].flatMap((group) =>
    group[0] === undefined ? [] : [{ arms: group, run: group[0] }],
  )
}

export function describeArm(arm: Arm): string {
  if (arm.frames === 'auto') return 'auto'
  const { frames, layout, rope, kv, pooling, tokenBudget } = arm
  return `${frames} ${layout} ${rope} ${kv} ${pooling}${tokenBudget === undefined ? '' : ` ${tokenBudget}`}`
}

function startWith<T>(items: readonly T[], first: T): readonly T[] {
  return items.includes(first) ? [first, ...items.filter((item) => item !== first)] : items
}
