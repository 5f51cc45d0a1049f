import { checkInteger } from './check.js'
import { InvalidOptionError } from './errors.js'
import { MAX_FRAMES } from './limits.js'
import type { StillCrops } from './plan-types.js'
import type { ModelSpec, VideoFacts } from './spec.js'

/** Pixels of a picture's side; products of two of them stay exact. */
const MAX_SIDE = 1 << 24

/** Rows or columns, or their pixels: first the vertical. */
type Size = readonly [height: number, width: number]

/**
 * How each still image of `video` is cut where the checkpoint cuts images into tiles.
 *
 * @param stills - Number of images.
 * @returns One for each image.
 * @throws {InvalidOptionError} If a size is not one, or there are more tiles than `MAX_FRAMES`.
 */
export function cropStills(
  encoder: ModelSpec['encoder'],
  resolutions: readonly Size[],
  video: VideoFacts,
  stills: number,
): StillCrops[] {
  const sizes = video.stillSizes ?? new Array<Size>(stills).fill([video.height, video.width])
  if (sizes.length !== stills) {
    throw new InvalidOptionError('video.stillSizes', `a size for each of ${stills} images`, sizes.length)
  }
  const crops = sizes.map(([height, width]) => {
    checkInteger('video.height', height, 1, MAX_SIDE)
    checkInteger('video.width', width, 1, MAX_SIDE)
    return cropStill(encoder, resolutions, [height, width])
  })
  const pictures = crops.reduce((sum, { tiles }) => sum + 1 + tiles[0] * tiles[1], 0)
  if (pictures <= MAX_FRAMES) return crops
  const need = `fewer images: together with their tiles at most ${MAX_FRAMES} pictures, not ${pictures}`
  throw new InvalidOptionError('video.stills', need, stills)
}

/**
 * The tiles and tokens of one image, as LLaVA-NeXT's processor and model choose them.
 *
 * @remarks Source: transformers, `select_best_resolution`, `get_patch_output_size` and `unpad_image`, whose roundings
 *   differ from one another and are kept: the picture is rounded up in pixels, its patches are rounded down.
 */
function cropStill(encoder: ModelSpec['encoder'], resolutions: readonly Size[], picture: Size): StillCrops {
  const { imageSize, grid, tokensPerFrame } = encoder
  const resolution = bestResolution(picture, resolutions)
  const tiles = [resolution[0] / imageSize, resolution[1] / imageSize] as const
  const all = [tiles[0] * grid[0], tiles[1] * grid[1]] as const
  const { offset, patches } = unpad(picture, all)
  return {
    size: picture,
    resolution,
    resized: fitInside(picture, resolution),
    tiles,
    offset,
    patches,
    tokens: tokensPerFrame + patches[0] * (patches[1] + 1),
  }
}

/** The resolution that keeps most of the picture's pixels, and among those the one that wastes least. */
function bestResolution([height, width]: Size, resolutions: readonly Size[]): Size {
  let best = resolutions[0]!
  let most = 0
  let least = Number.POSITIVE_INFINITY
  for (const resolution of resolutions) {
    const [rows, columns] = resolution
    const scale = Math.min(columns / width, rows / height)
    const kept = Math.min(Math.trunc(width * scale) * Math.trunc(height * scale), width * height)
    const wasted = rows * columns - kept
    if (kept < most || (kept === most && wasted >= least)) continue
    best = resolution
    most = kept
    least = wasted
  }
  return best
}

/** Size of the picture inside a resolution, its shape kept. */
function fitInside([height, width]: Size, [rows, columns]: Size): Size {
  const across = columns / width
  const down = rows / height
  return across < down
    ? [Math.min(Math.ceil(height * across), rows), columns]
    : [rows, Math.min(Math.ceil(width * down), columns)]
}

/** The patches of the tiles' grid that the picture fills; as many are left out on both sides. */
function unpad([height, width]: Size, [rows, columns]: Size): { offset: Size; patches: Size } {
  if (width / height > columns / rows) {
    const margin = Math.floor((rows - roundedDown(height * (columns / width))) / 2)
    return { offset: [margin, 0], patches: [rows - 2 * margin, columns] }
  }
  const margin = Math.floor((columns - roundedDown(width * (rows / height))) / 2)
  return { offset: [0, margin], patches: [rows, columns - 2 * margin] }
}

/** Seven decimals keep what is whole but for the arithmetic from falling below itself. */
function roundedDown(value: number): number {
  return Math.trunc(Number(value.toFixed(7)))
}
