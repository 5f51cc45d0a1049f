import type { Weight, WeightPart } from '@longtake/kernels'

/** Where arrays begin in the file: a cache line, and the widest vector register. */
const ALIGNMENT = 64

/** The prepared weights, as graphs name them. */
export const WEIGHTS_FILE = 'weights'

/** A part of a weight and its first byte in the file. */
interface PlacedPart extends WeightPart {
  readonly offset: number
}

/** What a file of prepared weights holds, and where. */
export interface Layout {
  /** Each weight once, in the order in which they are written. */
  readonly weights: readonly Weight[]
  readonly parts: ReadonlyMap<string, PlacedPart>
  readonly bytes: number
}

/** Places the weights of several graphs one after the other; what more than one graph takes has one place. */
export function layOut(weights: Iterable<Weight>): Layout {
  const kept: Weight[] = []
  const parts = new Map<string, PlacedPart>()
  let bytes = 0
  for (const weight of weights) {
    if (weight.parts.every(({ name }) => parts.has(name))) continue
    kept.push(weight)
    for (const part of weight.parts) {
      parts.set(part.name, { ...part, offset: bytes })
      bytes = Math.ceil((bytes + part.bytes) / ALIGNMENT) * ALIGNMENT
    }
  }
  return { weights: kept, parts, bytes }
}
