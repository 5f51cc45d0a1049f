/** Where a frame is on the storyboard, pixels. */
export interface Cell {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** How `@longtake/runtime` lays a storyboard out, pixels. */
const MARGIN = 24
const GAP = 16
const LABEL_HEIGHT = 30
const BORDER = 4
const MOST_COLUMNS = 8
/** Beyond that many frames only some are shown. */
const MOST_SHOWN = 64
const MOST_STRIP_HEIGHT = 240
const MOST_TALLNESS = 1.5

/**
 * Where each frame is on a storyboard.
 *
 * @returns Nothing where the picture is not laid out as expected: then it is shown as it is.
 */
export function cellsOf(
  sheet: { readonly width: number; readonly height: number },
  frames: number,
  video: { readonly width: number; readonly height: number },
): readonly Cell[] | undefined {
  if (frames < 1 || frames > MOST_SHOWN) return undefined
  const columns = Math.min(columnsOf(frames), frames)
  const width = (sheet.width - 2 * MARGIN - (columns - 1) * GAP) / columns
  if (!Number.isInteger(width) || width <= 2 * BORDER) return undefined
  const rows = Math.ceil(frames / columns)
  const height = Math.round(width * Math.min(MOST_TALLNESS, video.height / video.width))
  const pitch = height + LABEL_HEIGHT + GAP
  const strip = sheet.height - 2 * MARGIN - rows * pitch + GAP
  if (!(strip >= 0 && strip <= MOST_STRIP_HEIGHT)) return undefined
  return Array.from({ length: frames }, (_, index) => ({
    // Without the border that marks it.
    x: MARGIN + (index % columns) * (width + GAP) + BORDER,
    y: MARGIN + Math.floor(index / columns) * pitch + BORDER,
    width: width - 2 * BORDER,
    height: height - 2 * BORDER,
  }))
}

function columnsOf(frames: number): number {
  const square = Math.max(1, Math.min(MOST_COLUMNS, Math.ceil(Math.sqrt(frames))))
  const empty = (columns: number): number => (columns - (frames % columns)) % columns
  let best = square
  for (let columns = square; columns <= MOST_COLUMNS; columns++)
    if (empty(columns) < empty(best)) best = columns
  return best
}

/** Which frames mattered, by the rule that marks them on the storyboard: the heaviest that stand out, eight at most. */
export function matteredOf(weights: readonly number[]): ReadonlySet<number> {
  const largest = Math.max(...weights)
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
  const standing = [...weights.entries()].filter(
    ([, weight]) => weight >= largest / 2 && weight > mean * 1.25,
  )
  return new Set(
    standing
      .sort((a, b) => b[1] - a[1])
      .slice(0, 8)
      .map(([index]) => index),
  )
}
