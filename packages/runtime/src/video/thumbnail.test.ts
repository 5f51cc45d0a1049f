import fc from 'fast-check'
import { decode } from 'fast-png'
import { describe, expect, test } from 'vitest'
import { encodePng, makeThumbnail, type Picture, shrinkPng } from './index.js'

function plain(width: number, height: number, colour: readonly [number, number, number]): Picture {
  const rgb = new Uint8Array(width * height * 3)
  for (let at = 0; at < rgb.length; at += 3) rgb.set(colour, at)
  return { width, height, rgb }
}

describe('makeThumbnail', () => {
  test('averages the area that each pixel covers', () => {
    // Two by two to one: the mean of 0, 40, 80, 200.
    const rgb = Uint8Array.of(0, 0, 0, 40, 40, 40, 80, 80, 80, 200, 200, 200)
    expect(makeThumbnail({ width: 2, height: 2, rgb }, 1, 1)).toEqual({
      width: 1,
      height: 1,
      rgb: Uint8Array.of(80, 80, 80),
    })
  })

  test('splits pixels that lie across: three to two', () => {
    // (0 + 30/2) / 1.5 and (30/2 + 90) / 1.5
    const rgb = Uint8Array.of(0, 0, 0, 30, 30, 30, 90, 90, 90)
    expect(makeThumbnail({ width: 3, height: 1, rgb }, 2, 1).rgb).toEqual(
      Uint8Array.of(10, 10, 10, 70, 70, 70),
    )
  })

  test('keeps colour, shape and the box for every size', () => {
    const size = fc.integer({ min: 1, max: 90 })
    fc.assert(
      fc.property(size, size, size, size, (width, height, maxWidth, maxHeight) => {
        const small = makeThumbnail(plain(width, height, [3, 128, 255]), maxWidth, maxHeight)
        expect(small.width).toBeLessThanOrEqual(maxWidth)
        expect(small.height).toBeLessThanOrEqual(maxHeight)
        expect(small.width === maxWidth || small.height === maxHeight).toBe(true)
        expect(small.rgb).toEqual(plain(small.width, small.height, [3, 128, 255]).rgb)
      }),
      { numRuns: 60 },
    )
  })
})

describe('shrinkPng', () => {
  test('scales a picture down, never up', () => {
    const png = encodePng({ ...plain(40, 20, [10, 200, 30]), channels: 3 })
    const small = decode(shrinkPng(png, 8, 8))
    expect([small.width, small.height, small.channels]).toEqual([8, 4, 3])
    expect([...small.data.slice(0, 3)]).toEqual([10, 200, 30])
    expect(decode(shrinkPng(png, 400, 400)).width).toBe(40)
  })

  test('keeps fewer shades where that is asked for', () => {
    const rgb = Uint8Array.from({ length: 256 * 3 }, (_, index) => Math.floor(index / 3))
    const png = encodePng({ width: 256, height: 1, rgb, channels: 3 })
    const few = decode(shrinkPng(png, 256, 1, 32)).data
    expect(new Set(few).size).toBe(32)
    expect([few[0], few.at(-1)]).toEqual([0, 255])
    for (const [index, value] of few.entries()) expect(Math.abs(value - rgb[index]!)).toBeLessThanOrEqual(5)
  })

  test('refuses what is no PNG of 8 bits', () => {
    expect(() => shrinkPng(Uint8Array.of(1, 2, 3), 8, 8)).toThrow(expect.objectContaining({ option: 'png' }))
  })
})
