import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { drawHeatMap, type HeatMap } from './charts/heat-map.js'
import { drawLinePlot, type LinePlot } from './charts/line-plot.js'
import type { NeedleCell, NeedleLength } from './needle-score.js'

const MEGABYTE = 1e6

/** Writes `needle-heatmap.png` and `needle-length.png`. */
export async function writeNeedlePictures(
  folder: string,
  cells: readonly NeedleCell[],
  lengths: readonly NeedleLength[],
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true })
  const files = {
    'needle-heatmap.png': drawHeatMap(needleHeatMap(cells)),
    'needle-length.png': drawLinePlot(needlePlot(lengths)),
  }
  const paths: string[] = []
  for (const [name, picture] of Object.entries(files)) {
    paths.push(join(folder, name))
    await writeFile(join(folder, name), picture.encode())
  }
  return paths
}

/** Positions down, lengths across; a cell that was not measured stays empty. */
export function needleHeatMap(cells: readonly NeedleCell[]): HeatMap {
  const sorted = (field: 'minutes' | 'position'): readonly number[] =>
    [...new Set(cells.map((cell) => cell[field]))].sort((a, b) => a - b)
  const [minutes, positions] = [sorted('minutes'), sorted('position')]
  const at = (length: number, position: number): number =>
    cells.find((cell) => cell.minutes === length && cell.position === position)?.accuracy ?? Number.NaN
  return {
    title: 'right answers about a shot of 10 seconds',
    columnTitle: 'length of the video',
    rowTitle: 'place of the shot',
    columns: minutes.map((length) => `${length} min`),
    rows: positions.map((position) => `${Number((position * 100).toFixed(1))} %`),
    values: positions.map((position) => minutes.map((length) => at(length, position))),
  }
}

/** What an answer costs against the video's length. */
export function needlePlot(lengths: readonly NeedleLength[]): LinePlot {
  const sorted = [...lengths].sort((a, b) => a.minutes - b.minutes)
  return {
    title: 'watching and the first answer',
    xTitle: 'length of the video, minutes',
    xs: sorted.map(({ minutes }) => minutes),
    panels: [
      { title: 'seconds', values: sorted.map(({ seconds }) => seconds.median), colour: [25, 113, 194] },
      {
        title: 'peak memory, megabytes',
        values: sorted.map(({ peakBytes }) => peakBytes / MEGABYTE),
        colour: [194, 37, 92],
      },
      {
        title: 'tokens in the context',
        values: sorted.map(({ contextTokens }) => contextTokens),
        colour: [47, 125, 50],
      },
      {
        title: 'frames watched',
        values: sorted.map(({ frames }) => frames),
        colour: [180, 95, 6],
      },
    ],
  }
}
