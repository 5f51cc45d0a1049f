import { decode } from 'fast-png'
import { describe, expect, test } from 'vitest'
import { FONT, GLYPH_ROWS } from './font.js'
import { colourOf, drawHeatMap, type HeatMap, inkOn, layoutHeatMap } from './heat-map.js'
import { drawLinePlot, niceCeiling, spacedOut } from './line-plot.js'
import { type Colour, INK, Picture, textHeight, textWidth, WHITE } from './picture.js'

const MAP: HeatMap = {
  title: 'needle',
  columnTitle: 'minutes',
  rowTitle: 'position',
  columns: ['5', '15', '120'],
  rows: ['0.05', '0.95'],
  values: [
    [1, 0.5, 0],
    [Number.NaN, 0.75, 0.25],
  ],
}

const pixel = (picture: Picture, x: number, y: number): Colour => {
  const at = (y * picture.width + x) * 3
  return [picture.rgb[at] ?? -1, picture.rgb[at + 1] ?? -1, picture.rgb[at + 2] ?? -1]
}

describe('heat map', () => {
  test('gives every cell its own place inside the picture, in the colour of its value', () => {
    const { width, height, left, top, cellWidth, cellHeight, legend } = layoutHeatMap(MAP)
    const picture = drawHeatMap(MAP)
    expect([picture.width, picture.height]).toEqual([width, height])
    expect(left + 3 * cellWidth).toBeLessThan(legend)
    expect(top + 2 * cellHeight).toBeLessThan(height)
    for (const [row, values] of MAP.values.entries()) {
      for (const [column, value] of values.entries()) {
        const corner = pixel(picture, left + column * cellWidth + 1, top + row * cellHeight + 1)
        if (!Number.isNaN(value)) expect(corner).toEqual(colourOf(value))
      }
    }
  })

  test('labels fit beside the cells', () => {
    const { left, cellWidth } = layoutHeatMap({ ...MAP, rows: ['a very long name of a row', 'b'] })
    expect(textWidth('a very long name of a row', 2)).toBeLessThan(left)
    expect(textWidth('100 %', 2)).toBeLessThan(cellWidth)
  })

  test('numbers can be read on every colour', () => {
    for (let share = 0; share <= 1; share += 0.01) {
      const colour = colourOf(share)
      expect(contrast(colour, inkOn(colour))).toBeGreaterThan(3)
    }
  })

  test('is a PNG file of the same picture', () => {
    const picture = drawHeatMap(MAP)
    const { width, height, data, channels } = decode(picture.encode())
    expect({ width, height, channels }).toEqual({ width: picture.width, height: picture.height, channels: 3 })
    expect(Array.from(data)).toEqual(Array.from(picture.rgb))
  })
})

describe('line plot', () => {
  test('draws each point in its panel’s colour where its value is', () => {
    const colour: Colour = [10, 20, 200]
    const values = [10, 0]
    const picture = drawLinePlot({
      title: 't',
      xTitle: 'x',
      xs: [50, 100],
      panels: [{ title: 'p', values, colour }],
    })
    const isColour = (x: number, y: number): boolean => pixel(picture, x, y).join() === colour.join()
    const rows = Array.from({ length: picture.height }, (_, y) => y)
    const top = rows.find((y) => isColour(110 + 320, y)) ?? 0
    const bottom = rows.findLast((y) => isColour(110 + 640, y)) ?? 0
    // half a pixel at the edge of a point of radius 5 is mixed with what lies behind
    expect(bottom - top).toBe(150 + 2 * 4)
  })

  test('axes end at round numbers', () => {
    expect([0, 0.3, 1, 1.1, 2.2, 4, 7, 99, 101, 1024].map(niceCeiling)).toEqual([
      1, 0.5, 1, 2, 2.5, 5, 10, 100, 200, 2000,
    ])
  })

  test('labels keep their distance, and the last is always there', () => {
    expect([...spacedOut([0, 10, 20, 60], 15)].sort()).toEqual([0, 2, 3])
    expect([...spacedOut([0, 1, 2], 100)]).toEqual([2])
  })
})

test('text takes the room it says', () => {
  const picture = new Picture(200, 40)
  picture.write('gap 100 %', 5, 5, 2, INK)
  const dark: [number, number][] = []
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++)
      if (pixel(picture, x, y).join() !== WHITE.join()) dark.push([x, y])
  }
  expect(Math.max(...dark.map(([x]) => x))).toBeLessThan(5 + textWidth('gap 100 %', 2))
  expect(Math.max(...dark.map(([, y]) => y))).toBeLessThan(5 + textHeight(2))
  expect(dark.length).toBeGreaterThan(100)
  for (const rows of FONT.values()) expect(rows.length).toBeLessThanOrEqual(GLYPH_ROWS)
})

/** Source: WCAG 2.2, contrast ratio. */
function contrast(one: Colour, other: Colour): number {
  const luminance = (colour: Colour): number => {
    const [r = 0, g = 0, b = 0] = colour.map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}
