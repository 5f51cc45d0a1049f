import type { ModelSpec, StillCrops, VideoPlan } from '@longtake/core'

/** A still image as the encoder sees it: whole, or one tile of it. */
export interface EncodedCrop {
  /** Place of the image among the images. */
  readonly still: number
  readonly crops: StillCrops
  /** Row and column among the tiles; undefined: the whole image. */
  readonly tile: readonly [row: number, column: number] | undefined
}

/** A plan as the encoder sees it: each tile of a still image is a frame of its own. */
export interface EncoderPlan extends Pick<VideoPlan, 'frames' | 'timestamps' | 'clips' | 'order'> {
  /** `[frames]` where images are cut. */
  readonly crops?: readonly EncodedCrop[]
}

export function encoderPlan(plan: VideoPlan): EncoderPlan {
  if (plan.crops === undefined) {
    const { frames, timestamps, clips, order } = plan
    return { frames, timestamps, clips, order }
  }
  const crops = plan.crops.flatMap(cropsOf)
  return {
    frames: crops.length,
    timestamps: crops.map(({ still }) => still),
    clips: crops.map((_, index) => [index]),
    order: crops.map((_, index) => index),
    crops,
  }
}

function cropsOf(crops: StillCrops, still: number): EncodedCrop[] {
  const [rows, columns] = crops.tiles
  const tiles = Array.from({ length: rows * columns }, (_, index) => {
    return { still, crops, tile: [Math.floor(index / columns), index % columns] as const }
  })
  return [{ still, crops, tile: undefined }, ...tiles]
}

/** Puts the tokens of frames where they stand among a video's visual tokens. */
export interface TokenPacker {
  /**
   * @param place - The frame's place in the context, in frames of the encoder.
   * @param tokens - `[tokens, D]`
   */
  put(place: number, tokens: Float32Array): void
}

/**
 * Frames stand one after the other; of a still image that is cut, the whole image comes first, then the tiles' patches
 * row by row, without those of the padding.
 *
 * @param visual - `[V, D]` without trailing tokens; line breaks are left as they are.
 */
export function packTokens(
  { encoder, decoder }: ModelSpec,
  plan: VideoPlan,
  visual: Float32Array,
): TokenPacker {
  const { frames, crops } = encoderPlan(plan)
  if (crops === undefined) {
    const size = visual.length / frames
    return { put: (place, tokens) => visual.set(tokens, place * size) }
  }
  const width = decoder.hiddenSize
  const starts = startsOfStills(plan)
  return {
    put(place, tokens) {
      const { still, tile, crops: cut } = crops[place]!
      const start = starts[still]!
      if (tile === undefined) return visual.set(tokens, start * width)
      for (const { from, to, count } of runsOfTile(encoder, cut, tile)) {
        visual.set(tokens.subarray(from * width, (from + count) * width), (start + to) * width)
      }
    },
  }
}

/** Patches of a tile that stand together, in tokens of the tile and of the image. */
interface PatchRun {
  readonly from: number
  readonly to: number
  readonly count: number
}

function* runsOfTile(
  { grid: [rows, columns], tokensPerFrame }: ModelSpec['encoder'],
  { offset, patches }: StillCrops,
  [tileRow, tileColumn]: readonly [number, number],
): Generator<PatchRun> {
  const first = Math.max(offset[1] - tileColumn * columns, 0)
  const count = Math.min(offset[1] + patches[1] - tileColumn * columns, columns) - first
  if (count <= 0) return
  // A class token precedes the patches; only the whole image keeps it.
  const classTokens = tokensPerFrame - rows * columns
  for (let row = 0; row < rows; row++) {
    const line = tileRow * rows + row - offset[0]
    if (line < 0 || line >= patches[0]) continue
    const column = tileColumn * columns + first - offset[1]
    yield {
      from: classTokens + row * columns + first,
      to: tokensPerFrame + line * (patches[1] + 1) + column,
      count,
    }
  }
}

/** Puts a line break after each row of patches of the images that are cut, `newline` `[D]`. */
export function breakLines(
  { encoder }: ModelSpec,
  plan: VideoPlan,
  newline: Float32Array,
  visual: Float32Array,
): void {
  const starts = startsOfStills(plan)
  for (const [still, { patches }] of (plan.crops ?? []).entries()) {
    const first = starts[still]! + encoder.tokensPerFrame + patches[1]
    for (let line = 0; line < patches[0]; line++) {
      visual.set(newline, (first + line * (patches[1] + 1)) * newline.length)
    }
  }
}

/** First visual token of each image that is cut. */
function startsOfStills({ crops = [] }: VideoPlan): number[] {
  let start = 0
  return crops.map(({ tokens }) => {
    start += tokens
    return start - tokens
  })
}
