import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Plane, type YuvMeaning, type YuvPicture, yuvToRgb } from './yuv-to-rgb.js'

const plane = (samples: Uint8Array | Uint16Array, rowStep: number, step = 1, start = 0): Plane => ({
  samples,
  rowStep,
  step,
  start,
})

/** A picture of one pixel. */
function pixel([y, u, v]: readonly [number, number, number], bits: number, meaning: YuvMeaning): number[] {
  const one = (value: number) => plane(Uint16Array.of(value), 1)
  const shape = { width: 1, height: 1, shiftX: 0, shiftY: 0, bits } as const
  return [...yuvToRgb({ ...shape, y: one(y), u: one(u), v: one(v) }, meaning)]
}

test.each([
  // The colours of test bars, as the recommendations' own tables have them.
  ['bt709', false, 8, [180, 128, 128], [191, 191, 191]],
  ['bt709', false, 8, [63, 102, 240], [255, 1, 0]],
  ['smpte170m', false, 8, [81, 90, 240], [254, 0, 0]],
  ['smpte170m', true, 8, [76, 85, 255], [254, 0, 0]],
  ['bt2020-ncl', false, 10, [940, 512, 512], [255, 255, 255]],
  [undefined, undefined, 8, [81, 90, 240], [254, 0, 0]],
] as const)('%s, full range %s, %i bits: %j is %j', (matrix, fullRange, bits, yuv, rgb) => {
  const found = pixel(yuv, bits, { matrix, fullRange })
  for (const [channel, value] of rgb.entries())
    expect(Math.abs(found[channel]! - value)).toBeLessThanOrEqual(1)
})

test('planes side by side and planes that alternate are the same picture, whatever its size', () => {
  const sizes = fc.record({ width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }) })
  fc.assert(
    fc.property(sizes, fc.infiniteStream(fc.nat(255)), ({ width, height }, bytes) => {
      const take = (count: number) => Uint8Array.from({ length: count }, () => bytes.next().value)
      const [across, down] = [(width + 1) >> 1, (height + 1) >> 1]
      const [y, u, v] = [take(width * height), take(across * down), take(across * down)]
      const pairs = new Uint8Array(2 * across * down).map((_, at) => (at % 2 === 0 ? u : v)[at >> 1]!)
      const shape = { width, height, shiftX: 1, shiftY: 1, bits: 8 } as const
      const apart: YuvPicture = { ...shape, y: plane(y, width), u: plane(u, across), v: plane(v, across) }
      const paired: YuvPicture = {
        ...apart,
        u: plane(pairs, 2 * across, 2),
        v: plane(pairs, 2 * across, 2, 1),
      }
      const meaning = { matrix: 'bt709', fullRange: false }
      expect(yuvToRgb(paired, meaning)).toEqual(yuvToRgb(apart, meaning))
    }),
  )
})
