import type { Arm } from './quality-arms.js'
import type { MarkedVideo } from './quality-run.js'
import { accuracyOf, margin95, type Tally } from './statistics.js'

/** Kinds of question that belong together and are reported together too. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = { slow: ['brightness', 'drift', 'size'] }

/** How one arm did. */
export interface ArmScore extends Arm {
  /** 0 to 1. */
  readonly accuracy: number
  readonly questions: number
  /** Half the width of the 95 % interval, 0 to 1. */
  readonly margin95: number
  /** Accuracy of each kind of question. */
  readonly kinds: Readonly<Record<string, number>>
  /** Accuracy of kinds taken together: `slow` is change that spans the video. */
  readonly families: Readonly<Record<string, number>>
  /** The arm that was run in its place, because both plans compute the same. */
  readonly sameAs?: Arm
}

/**
 * Adds up what each arm got right.
 *
 * @param videos - Marks of each video, of every group.
 * @returns Arms in the order of `arms`.
 */
export function scoreArms(
  arms: readonly Arm[],
  videos: readonly (readonly MarkedVideo[])[],
): readonly ArmScore[] {
  return arms.map((arm) => {
    const marked = videos.flatMap((video) => video.filter(({ group }) => group.arms.includes(arm)))
    const run = marked[0]?.group.run
    const marks = marked.map((video) => video.marks)
    const all = marks.map(tally)
    const kinds = [...new Set(marks.flat().map(({ kind }) => kind))].sort()
    const accuracyWithin = (wanted: readonly string[]): number =>
      accuracyOf(marks.map((some) => tally(some.filter(({ kind }) => wanted.includes(kind)))))
    const families = Object.entries(FAMILIES).filter(([, members]) =>
      members.some((kind) => kinds.includes(kind)),
    )
    return {
      ...arm,
      accuracy: accuracyOf(all),
      questions: all.reduce((sum, { total }) => sum + total, 0),
      margin95: margin95(all),
      kinds: Object.fromEntries(kinds.map((kind) => [kind, accuracyWithin([kind])])),
      families: Object.fromEntries(families.map(([name, members]) => [name, accuracyWithin(members)])),
      ...(run !== undefined && run !== arm && { sameAs: run }),
    }
  })
}

function tally(marks: MarkedVideo['marks']): Tally {
  return { right: marks.filter(({ isRight }) => isRight).length, total: marks.length }
}
