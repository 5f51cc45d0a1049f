import {
  CLIP_LAYOUTS,
  type ClipLayout,
  KV_CACHE_TYPES,
  type KvCacheType,
  type RopeType,
  type VideoPlan,
} from '@longtake/core'

/** One way to watch and answer. */
export interface Arm {
  readonly frames: number
  readonly layout: ClipLayout
  readonly rope: RopeType
  readonly kv: KvCacheType
}

/** What is varied. */
export interface ArmAxes {
  readonly frames: readonly number[]
  readonly layouts: readonly ClipLayout[]
  readonly ropes: readonly RopeType[]
  readonly kvs: readonly KvCacheType[]
}

export const DEFAULT_AXES: ArmAxes = {
  frames: [8, 16, 32, 64],
  layouts: CLIP_LAYOUTS,
  ropes: ['ntk', 'none', 'linear', 'dynamic', 'yarn'],
  kvs: KV_CACHE_TYPES,
}

/** The arm around which one axis at a time is varied: the paper's method, uncompressed. */
const CENTRE = { layout: 'interleaved', rope: 'ntk', kv: 'fp32' } as const

/**
 * Arms to run: for each number of frames the centre, then every other value of each axis with the other axes at the
 * centre; or the whole product.
 *
 * @param isFull - Whether the product is wanted.
 */
export function chooseArms(axes: ArmAxes, isFull: boolean): readonly Arm[] {
  const layout = startWith(axes.layouts, CENTRE.layout)
  const rope = startWith(axes.ropes, CENTRE.rope)
  const kv = startWith(axes.kvs, CENTRE.kv)
  const product = axes.frames.flatMap((frames) =>
    layout.flatMap((l) => rope.flatMap((r) => kv.map((k) => ({ frames, layout: l, rope: r, kv: k })))),
  )
  if (isFull) return product
  return product.filter(
    (arm) => [arm.layout !== layout[0], arm.rope !== rope[0], arm.kv !== kv[0]].filter(Boolean).length < 2,
  )
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
 * @param planOf - The plan of an arm, on any video: what is compared does not depend on the video.
 */
export function groupArms(arms: readonly Arm[], planOf: (arm: Arm) => VideoPlan): readonly ArmGroup[] {
  const groups = new Map<string, Arm[]>()
  for (const arm of arms) {
    const { clips, order, rope, kvCache, contextTokens, prefillChunk } = planOf(arm)
    const { inverseFrequencies, attentionFactor } = rope
    const angles = [inverseFrequencies, attentionFactor]
    const key = JSON.stringify([arm.frames, clips, order, angles, kvCache.type, contextTokens, prefillChunk])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [arm])
    else group.push(arm)
  }
  return [...groups.values()].flatMap((group) =>
    group[0] === undefined ? [] : [{ arms: group, run: group[0] }],
  )
}

export function describeArm({ frames, layout, rope, kv }: Arm): string {
  return `${frames} ${layout} ${rope} ${kv}`
}

function startWith<T>(items: readonly T[], first: T): readonly T[] {
  return items.includes(first) ? [first, ...items.filter((item) => item !== first)] : items
}
