import type { ClipLayout, KvCacheType, PoolingMethod, RopeType } from '@longtake/core'
import type { Arm } from './quality-arms.js'
import type { MarkedVideo } from './quality-run.js'
import { accuracyOf, margin95, median, type Tally } from './statistics.js'

/** Kinds of question that belong together and are reported together too. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = { slow: ['brightness', 'drift', 'size'] }

/**
 * What an answer rests on: `smallPart`, one shot of the video; `whole`, several shots or all of it. Every kind of
 * `tooling/train/longtake_train/questions.py` is in one of them.
 */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  smallPart: ['number', 'caption', 'colour', 'shape', 'first', 'last', 'before', 'after', 'when'],
  whole: ['order', 'exists', 'count', 'brightness', 'drift', 'size'],
}

/** How one arm did. */
export interface ArmScore {
  /** Frames that were watched; the median where videos differ. */
  readonly frames: number
  /** Whether the plan chose everything by itself. */
  readonly auto: boolean
  readonly layout: ClipLayout
  readonly rope: RopeType
  readonly kv: KvCacheType
  readonly pooling: PoolingMethod
  /** What bounded the tokens, where something did. */
  readonly tokenBudget?: number
  /** Visual tokens in the context; the median where videos differ. */
  readonly tokens: number
  /** 0 to 1. */
  readonly accuracy: number
  readonly questions: number
  /** Half the width of the 95 % interval, 0 to 1. */
  readonly margin95: number
  /** Accuracy of each kind of question. */
  readonly kinds: Readonly<Record<string, number>>
  /** Accuracy by what the answer rests on. */
  readonly groups: Readonly<Record<string, number>>
  /** Accuracy of kinds taken together: `slow` is change that spans the video. */
  readonly families: Readonly<Record<string, number>>
  /** The arm that was run in its place, because both plans compute the same. */
  readonly sameAs?: Arm
}

/**
 * Adds up what each arm got right.
 *
 * @param videos - Marks of each video, of every group.
 * @returns Arms in the order of `arms`; an arm without a marked video is left out.
 */
export function scoreArms(
  arms: readonly Arm[],
  videos: readonly (readonly MarkedVideo[])[],
): readonly ArmScore[] {
  return arms.flatMap((arm) => {
    const marked = videos.flatMap((video) => video.filter(({ group }) => group.arms.includes(arm)))
    const [first] = marked
    if (first === undefined) return []
    const { run } = first.group
    return [{ ...describe(arm, marked, first), ...score(marked), ...(run !== arm && { sameAs: run }) }]
  })
}

/** Everything of a score that is no result. */
type Way = Pick<ArmScore, 'frames' | 'auto' | 'layout' | 'rope' | 'kv' | 'pooling' | 'tokenBudget' | 'tokens'>

function describe(arm: Arm, marked: readonly MarkedVideo[], { plan }: MarkedVideo): Way {
  const counts = {
    frames: median(marked.map((video) => video.plan.frames)),
    tokens: median(marked.map((video) => video.plan.visualTokens)),
  }
  if (arm.frames !== 'auto') return { ...arm, ...counts, auto: false }
  const { layout, rope, kvCache, pooling } = plan
  return {
    ...counts,
    ...{ auto: true, layout, rope: rope.type, kv: kvCache.type, pooling: pooling?.method ?? 'none' },
  }
}

function score(marked: readonly MarkedVideo[]) {
  const marks = marked.map((video) => video.marks)
  const all = marks.map(tally)
  const kinds = [...new Set(marks.flat().map(({ kind }) => kind))].sort()
  const accuracyWithin = (wanted: readonly string[]): number =>
    accuracyOf(marks.map((some) => tally(some.filter(({ kind }) => wanted.includes(kind)))))
  const accuracies = (named: Readonly<Record<string, readonly string[]>>) =>
    Object.fromEntries(
      Object.entries(named)
        .filter(([, members]) => members.some((kind) => kinds.includes(kind)))
        .map(([name, members]) => [name, accuracyWithin(members)]),
    )
  return {
    accuracy: accuracyOf(all),
    questions: all.reduce((sum, { total }) => sum + total, 0),
    margin95: margin95(all),
    kinds: accuracies(Object.fromEntries(kinds.map((kind) => [kind, [kind]]))),
    groups: accuracies(GROUPS),
    families: accuracies(FAMILIES),
  }
}

function tally(marks: MarkedVideo['marks']): Tally {
  return { right: marks.filter(({ isRight }) => isRight).length, total: marks.length }
}
