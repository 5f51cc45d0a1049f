import { InvalidOptionError } from '@longtake/core'
import { expect, test } from 'vitest'
import { largestDifference } from '../../test/oracle.js'
import { randomArray } from '../../test/random-weights.js'
import { floats, runGraph } from '../../test/run-graph.js'
import { buildGridResize, type GridResizeConfig } from '../index.js'

async function resize(config: GridResizeConfig, frames: number, tokens: Float32Array): Promise<Float32Array> {
  const { from, to, width } = config
  const { resized } = await runGraph(buildGridResize(config), {
    tokens: floats([frames, from[0] * from[1], width], tokens),
  })
  expect(resized?.dims).toEqual([frames, to[0] * to[1], width])
  return resized?.data as Float32Array
}

/** Bilinear, cell by cell: the value at the new cell's centre, held at the edges. */
function oracle({ width, from, to }: GridResizeConfig, frames: number, tokens: Float32Array): number[] {
  const at = (frame: number, row: number, column: number, channel: number): number =>
    tokens[((frame * from[0] + row) * from[1] + column) * width + channel] ?? Number.NaN
  const place = (index: number, axis: 0 | 1): readonly [low: number, high: number, share: number] => {
    const centre = Math.max((from[axis] / to[axis]) * (index + 0.5) - 0.5, 0)
    const low = Math.trunc(centre)
    return [low, Math.min(low + 1, from[axis] - 1), centre - low]
  }
  const values: number[] = []
  for (let frame = 0; frame < frames; frame++) {
    for (let row = 0; row < to[0]; row++) {
      const [top, bottom, down] = place(row, 0)
      for (let column = 0; column < to[1]; column++) {
        const [left, right, across] = place(column, 1)
        for (let channel = 0; channel < width; channel++) {
          const upper = at(frame, top, left, channel) * (1 - across) + at(frame, top, right, channel) * across
          const lower =
            at(frame, bottom, left, channel) * (1 - across) + at(frame, bottom, right, channel) * across
          values.push(upper * (1 - down) + lower * down)
        }
      }
    }
  }
  return values
}

test.each<[GridResizeConfig['from'], GridResizeConfig['to']]>([
  [
    [27, 27],
    [14, 14],
  ],
  [
    [7, 7],
    [4, 4],
  ],
  [
    [6, 4],
    [3, 2],
  ],
  [
    [5, 3],
    [5, 1],
  ],
  [
    [1, 1],
    [1, 1],
  ],
])('a grid of %j becomes one of %j as the float64 oracle says', async (from, to) => {
  const config = { width: 5, from, to }
  const tokens = randomArray(3 * from[0] * from[1] * 5, 4, 2)
  const difference = largestDifference(await resize(config, 3, tokens), oracle(config, 3, tokens))
  expect(difference).toBeLessThan(1e-5)
})

test('three cells in a row become two: centres at 0.25 and 1.75', async () => {
  const resized = await resize({ width: 1, from: [1, 3], to: [1, 2] }, 1, Float32Array.of(4, 8, 16))
  expect(Array.from(resized)).toEqual([5, 14])
})

test.each<[string, Partial<GridResizeConfig>]>([
  ['gridResize.width', { width: 0 }],
  ['gridResize.from', { from: [0, 3] }],
  ['gridResize.to', { to: [2, 0.5] }],
  ['gridResize.to', { to: [2, 4] }],
])('a wrong %s is refused', (option, change) => {
  const build = () => buildGridResize({ width: 2, from: [3, 3], to: [2, 2], ...change })
  expect(build).toThrow(InvalidOptionError)
  expect(build).toThrow(`${option}: expected`)
})
