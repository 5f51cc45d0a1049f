import type { PoolingPlan } from '@longtake/core'
import { type MadeCheckpoint, makeCheckpoint } from '../../../test/random-checkpoint.js'
import type { Inspection } from '../inspect.js'

/** What cosines are multiplied by in made-up checkpoints with a guide. */
export const LOGIT_SCALE = 20

/** A checkpoint with a text guide and 4 × 4 patches; equal seeds give equal weights. */
export function makeGuided(seed = 4): MadeCheckpoint {
  const made = makeCheckpoint({ imageSize: 32, guide: true }, seed)
  const scale = made.tensors.get('multi_modal_projector.logit_scale')
  scale?.values.fill(Math.log(LOGIT_SCALE))
  return made
}

/** Frame index at each place of the context. */
function contextOrder({ plan }: Inspection): number[] {
  const encoded = plan.clips.flat()
  return plan.order.map((place) => encoded[place]!)
}

/** Cosines of patches and the question in float64, `[F · H · W]` in the order of the context. */
export function naiveCosine(inspection: Inspection): number[] {
  const { patchEmbeddings, textEmbedding } = inspection
  if (patchEmbeddings === undefined || textEmbedding === undefined) throw new Error('not guided')
  const [, patches = 0, width = 0] = patchEmbeddings.dims
  return contextOrder(inspection).flatMap((frame) =>
    Array.from({ length: patches }, (_, patch) => {
      const at = (frame * patches + patch) * width
      return textEmbedding.data.reduce(
        (sum, value, channel) => sum + value * patchEmbeddings.data[at + channel]!,
        0,
      )
    }),
  )
}

/** Softmax in float64. */
export function naiveSoftmax(values: readonly number[]): number[] {
  const largest = Math.max(...values)
  const powers = values.map((value) => Math.exp(value - largest))
  const total = powers.reduce((sum, power) => sum + power, 0)
  return powers.map((power) => power / total)
}

/** Visual tokens by the formula, window by window in float64, `[V][D]`, from what an inspection says of frames. */
export function naivePool(
  inspection: Inspection,
  pooling: PoolingPlan,
  relevance: readonly number[],
): number[][] {
  const { projected } = inspection
  const [, tokens = 0, width = 0] = projected.dims
  const [, rows, columns] = pooling.grid
  const classTokens = tokens - rows * columns
  const order = contextOrder(inspection)
  const patch = (place: number, row: number, column: number): Float32Array => {
    const at = (order[place]! * tokens + classTokens + row * columns + column) * width
    return projected.data.subarray(at, at + width)
  }
  return naiveWindows(pooling).map((members) => {
    const vectors = members.map(([place, row, column]) => patch(place, row, column))
    const own = members.map(([place, row, column]) => relevance[(place * rows + row) * columns + column]!)
    const weights =
      pooling.method === 'guided'
        ? naiveSoftmax(own.map((weight) => weight / pooling.temperature))
        : own.map(() => 1 / own.length)
    return Array.from({ length: width }, (_, channel) =>
      pooling.method === 'max'
        ? Math.max(...vectors.map((vector) => vector[channel]!))
        : vectors.reduce((sum, vector, member) => sum + weights[member]! * vector[channel]!, 0),
    )
  })
}

/** Members of every window, time first, then rows, then columns. */
export function naiveWindows({ shape, stride, kernel }: PoolingPlan): [number, number, number][][] {
  const steps = (axis: 0 | 1 | 2) => Array.from({ length: shape[axis] }, (_, index) => index * stride[axis])
  const inside = (axis: 0 | 1 | 2) => Array.from({ length: kernel[axis] }, (_, index) => index)
  return steps(0).flatMap((place) =>
    steps(1).flatMap((row) =>
      steps(2).map((column) =>
        inside(0).flatMap((t) =>
          inside(1).flatMap((y) =>
            inside(2).map((x): [number, number, number] => [place + t, row + y, column + x]),
          ),
        ),
      ),
    ),
  )
}
