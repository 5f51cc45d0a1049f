import { readFileSync } from 'node:fs'
import { InvalidOptionError, ShapeError } from '@longtake/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { originalVideoLlavaProcessing, parseImageProcessing } from './config.js'
import { preprocessFrame, preprocessTile, processedSize, seenRegion } from './frame.js'
import type { ImageProcessing } from './types.js'

interface Case {
  readonly picture: number
  readonly config: Record<string, unknown>
  readonly side?: number
  readonly bytes?: string
  readonly floats?: string
}

/** Made by Pillow and PyTorch: tooling/parity/preprocess.py. */
const reference: { pictures: { width: number; height: number; rgb: string }[]; cases: Case[] } = JSON.parse(
  readFileSync(new URL('../../../../tests/data/preprocess/cases.json', import.meta.url), 'utf8'),
)

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'))

function pixelsOf(picture: number, config: ImageProcessing): Float32Array {
  const { rgb, width, height } = reference.pictures[picture]!
  return preprocessFrame(bytesOf(rgb), width, height, config)
}

/** Largest distance between planes [3, H, W] and an interleaved reference [H, W, 3]. */
function distance(planes: Float32Array, interleaved: ArrayLike<number>): number {
  const size = interleaved.length / 3
  expect(planes.length).toBe(interleaved.length)
  return planes.reduce((worst, value, i) => {
    return Math.max(worst, Math.abs(value - interleaved[(i % size) * 3 + Math.floor(i / size)]!))
  }, 0)
}

const named = reference.cases.map((item) => {
  const { width, height } = reference.pictures[item.picture]!
  const { image_processor_type: type, resample } = item.config ?? {
    image_processor_type: 'original',
    resample: 2,
  }
  return { ...item, name: `${width}×${height} ${type} filter ${resample}` }
})

describe('agrees with the libraries that the checkpoints were trained with', () => {
  const plain = { do_rescale: false, do_normalize: false }
  test.each(named.filter((item) => item.bytes))('$name', ({ picture, config, bytes }) => {
    const processing = parseImageProcessing({ ...config, ...plain })
    const limit = processing.arithmetic === 'pil' ? 0 : 1
    expect(distance(pixelsOf(picture, processing), bytesOf(bytes!))).toBeLessThanOrEqual(limit)
  })

  test.each(named.filter((item) => item.floats))('$name', ({ picture, side, floats }) => {
    const expected = new Float32Array(bytesOf(floats!).buffer)
    expect(distance(pixelsOf(picture, originalVideoLlavaProcessing(side!)), expected)).toBeLessThan(2e-5)
  })
})

const config = parseImageProcessing({
  size: { shortest_edge: 6 },
  crop_size: { height: 6, width: 6 },
  image_mean: [0.5, 0.25, 0],
  image_std: [0.5, 0.25, 2],
})

test('rescales and normalises each channel', () => {
  const rgb = Uint8Array.from({ length: 6 * 6 * 3 }, (_, i) => [255, 51, 102][i % 3]!)
  const pixels = preprocessFrame(rgb, 6, 6, config)
  for (const [plane, expected] of [1, -0.2, 0.2].entries()) {
    for (const value of pixels.subarray(plane * 36, plane * 36 + 36)) expect(value).toBeCloseTo(expected, 6)
  }
})

test('pads with black, normalised like any pixel', () => {
  const small: ImageProcessing = { ...config, resize: null, crop: { width: 3, height: 3 } }
  const pixels = preprocessFrame(Uint8Array.of(255, 255, 255), 1, 1, small)
  expect([...pixels.subarray(0, 9)]).toEqual([-1, -1, -1, -1, 1, -1, -1, -1, -1])
})

test('writes where it is told, and nowhere else', () => {
  const batch = new Float32Array(3 * 108).fill(9)
  const one = batch.subarray(108, 216)
  expect(preprocessFrame(new Uint8Array(8 * 7 * 3), 8, 7, config, one)).toBe(one)
  expect(batch.subarray(0, 108).every((value) => value === 9)).toBe(true)
  expect(batch.subarray(216).every((value) => value === 9)).toBe(true)
  expect(one.includes(9)).toBe(false)
})

test('pictures of any shape give one size; an even picture stays even', () => {
  const arithmetic = fc.constantFrom('pil' as const, 'torchvision' as const, 'tensor' as const)
  const crop = fc.record({ width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }) })
  const edge = fc.integer({ min: 9, max: 12 })
  const side = fc.integer({ min: 1, max: 60 })
  fc.assert(
    fc.property(
      side,
      side,
      arithmetic,
      edge,
      crop,
      fc.nat(255),
      (width, height, kind, shortestEdge, size, level) => {
        const processing: ImageProcessing = {
          ...config,
          arithmetic: kind,
          filter: 'bilinear',
          resize: { shortestEdge },
          crop: size,
          mean: [0, 0, 0],
          std: [1, 1, 1],
          rescaleFactor: 1,
        }
        const pixels = preprocessFrame(
          new Uint8Array(width * height * 3).fill(level),
          width,
          height,
          processing,
        )
        expect(pixels.length).toBe(3 * size.width * size.height)
        for (const value of pixels) expect(Math.abs(value - level)).toBeLessThan(1e-3)
      },
    ),
    { numRuns: 200 },
  )
})

test('long thin pictures cost what they hold, not what they would become', () => {
  // Resized whole, each would be 16 million pixels long.
  for (const [width, height] of [
    [1, 100_000],
    [100_000, 1],
  ] as const) {
    for (const arithmetic of ['pil', 'torchvision', 'tensor'] as const) {
      const wide: ImageProcessing = {
        ...config,
        arithmetic,
        filter: 'bilinear',
        resize: { shortestEdge: 160 },
      }
      const rgb = new Uint8Array(width * height * 3).fill(255)
      expect(
        preprocessFrame(rgb, width, height, wide)
          .subarray(0, 36)
          .every((value) => value > 0.99),
      ).toBe(true)
    }
  }
})

test('refuses sizes that do not fit', () => {
  const rgb = new Uint8Array(12)
  expect(() => preprocessFrame(rgb, 3, 2, config)).toThrow(ShapeError)
  expect(() => preprocessFrame(rgb, 2, 2, config, new Float32Array(107))).toThrow(ShapeError)
  for (const bad of [0, -2, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => preprocessFrame(rgb, bad, 2, config)).toThrow(InvalidOptionError)
    expect(() => preprocessFrame(rgb, 2, bad, config)).toThrow(InvalidOptionError)
  }
  expect(processedSize(config)).toEqual({ width: 6, height: 6 })
  expect(() => processedSize({ ...config, crop: null })).toThrow(InvalidOptionError)
})

test('tells which part of a picture is seen', () => {
  // The shorter edge becomes 6 pixels, the longer one 12 of which the middle 6 are kept.
  expect(seenRegion(200, 100, config)).toEqual({ left: 0.25, top: 0, width: 0.5, height: 1 })
  expect(seenRegion(100, 200, config)).toEqual({ left: 0, top: 0.25, width: 1, height: 0.5 })
  const squeezed: ImageProcessing = { ...config, resize: { width: 6, height: 6 } }
  expect(seenRegion(200, 100, squeezed)).toEqual({ left: 0, top: 0, width: 1, height: 1 })
  // A picture smaller than the crop lies in the middle of black.
  const padded = seenRegion(3, 6, { ...config, resize: null })
  expect(padded.width).toBe(2)
  expect(padded.left).toBeLessThan(0)
  expect(() => seenRegion(0, 6, config)).toThrow(InvalidOptionError)
})

describe('a tile', () => {
  const sides = fc.integer({ min: 1, max: 40 })
  const corners = fc.integer({ min: -30, max: 50 })
  const processing = (
    arithmetic: 'pil' | 'torchvision',
    resize: ImageProcessing['resize'],
  ): ImageProcessing => ({
    ...{ resize, filter: 'bicubic', arithmetic, crop: null, rescaleFactor: 1 / 255 },
    ...{ mean: [0.5, 0.25, 0.125], std: [0.5, 0.25, 2] },
  })

  test('is what is cut from the whole resized picture, and black outside it', () => {
    const arithmetics = fc.constantFrom('pil' as const, 'torchvision' as const)
    fc.assert(
      fc.property(
        ...([
          arithmetics,
          sides,
          sides,
          sides,
          sides,
          corners,
          corners,
          fc.integer({ min: 1, max: 12 }),
        ] as const),
        (arithmetic, width, height, columns, rows, left, top, side) => {
          const rgb = Uint8Array.from(
            { length: width * height * 3 },
            (_, at) => (at * 97 + (at % 7) * 31) % 256,
          )
          const tile = processing(arithmetic, { width: side, height: side })
          const result = new Float32Array(3 * side * side)
          preprocessTile(
            rgb,
            width,
            height,
            tile,
            { resized: { width: columns, height: rows }, left, top },
            result,
          )
          const whole = preprocessFrame(
            rgb,
            width,
            height,
            processing(arithmetic, { width: columns, height: rows }),
          )
          const black = tile.mean.map((mean, channel) => Math.fround(-mean / tile.std[channel]!))
          const expected = Float32Array.from(result, (_, at) => {
            const channel = Math.floor(at / side / side)
            const row = (Math.floor(at / side) % side) + top
            const column = (at % side) + left
            const isInside = row >= 0 && row < rows && column >= 0 && column < columns
            return isInside ? whole[(channel * rows + row) * columns + column]! : black[channel]!
          })
          expect(result).toEqual(expected)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('of a size or place that is none is refused', () => {
    const tile = processing('pil', { width: 2, height: 2 })
    const make =
      (resized: number, left: number, length = 12) =>
      () =>
        preprocessTile(
          new Uint8Array(3),
          ...([1, 1, tile, { resized: { width: resized, height: 4 }, left, top: 0 }] as const),
          new Float32Array(length),
        )
    expect(make(4, 0)).not.toThrow()
    expect(make(0, 0)).toThrow(InvalidOptionError)
    expect(make(4, 0.5)).toThrow(InvalidOptionError)
    expect(make(4, 0, 11)).toThrow(ShapeError)
  })
})
