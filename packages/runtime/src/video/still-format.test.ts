import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { at, image, outcome, VARIED_STILLS } from '../../test/stills.js'
import type { VideoInputs } from './index.js'

describe('files that are two things', () => {
  test('count as what they begin with', async () => {
    const film = await readFile(at('video/h264.mp4'))
    for (const name of ['rgb.png', '444.jpg', 'lossless.webp', 'plain.gif', 'rgb.bmp']) {
      const size = await outcome(await image(name))
      expect(await outcome(Buffer.concat([await image(name), film]))).toBe(size)
      expect(await outcome(Buffer.concat([await image(name), Buffer.from('<svg/><script>1</script>')]))).toBe(
        size,
      )
    }
  })

  test('and words that begin alike are no pictures', async () => {
    for (const text of [
      'BM is short for Bellman',
      'GIF is a format',
      'GIF89a = 1; /* script */',
      'RIFF but no more',
    ]) {
      expect(await outcome(Buffer.from(text.padEnd(200)))).toMatch(
        /^VIDEO_(NOT_A_VIDEO|UNREADABLE|TRUNCATED|TOO_LARGE)/,
      )
    }
  })
})

describe('pictures that are not read are refused by name', () => {
  test.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    [
      'SVG',
      '\xef\xbb\xbf<?xml version="1.0"?>\n<!-- by <hand> --><!DOCTYPE svg PUBLIC "-" "-">\n<svg width="1">',
    ],
    ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'],
    ['HEIC', '\0\0\0\x18ftypmif1\0\0\0\0mif1heic'],
    ['AVIF', '\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf'],
    ['TIFF', 'II*\0\x08\0\0\0'],
    ['TIFF', 'MM\0*\0\0\0\x08'],
    ['JPEG XL', '\xff\x0a\0\0'],
    ['JPEG XL', '\0\0\0\x0cJXL \r\n\x87\n'],
    ['JPEG 2000', '\0\0\0\x0cjP  \r\n\x87\n'],
    ['Photoshop', '8BPS\0\x01'],
    ['icon', '\0\0\x01\0\x01\0'],
  ])('%s', async (name, text) => {
    const bytes = Buffer.from(text.padEnd(300, '\0'), 'latin1')
    const result = await outcome(bytes)
    expect(result).toMatch(/^VIDEO_UNSUPPORTED_CODEC .*convert it to PNG or JPEG/)
    expect(result).toContain(`(${name})`)
    expect(await outcome([bytes])).toBe(result)
  })

  test('but not a web page with a drawing in it, nor endless comments', async () => {
    expect(await outcome(Buffer.from('<!doctype html><body><svg/></body>'))).toMatch(/^VIDEO_NOT_A_VIDEO/)
    expect(await outcome(Buffer.from('<!---->'.repeat(5000)))).toMatch(/^VIDEO_NOT_A_VIDEO/)
  })
})

describe('lists', () => {
  test.each([
    ['nothing', []],
    ['65 pictures', Array.from({ length: 65 }, () => at('images/rgb.png'))],
    ['a film', [at('images/rgb.png'), at('video/h264.mp4')]],
    ['a list in a list', [[at('images/rgb.png')]]],
    ['a number', [7]],
    ['text', [new Blob(['no picture'])]],
  ])('of %s are refused', async (_, input) => {
    expect(await outcome(input as VideoInputs)).toMatch(/^INVALID_OPTION video/)
  })

  test('name the file that is not there, or empty', async () => {
    expect(await outcome([at('images/rgb.png'), at('missing.png')])).toMatch(/^VIDEO_NOT_FOUND .*missing/)
    expect(await outcome([at('images/rgb.png'), new Uint8Array()])).toMatch(/^VIDEO_EMPTY/)
  })
})

describe('any bytes give a picture or a reason', () => {
  const isExpected = /^(\d+×\d+$|VIDEO_[A-Z_]+ )/

  test.each(VARIED_STILLS)('%s with random changes', async (name) => {
    const bytes = await image(name)
    const place = fc.nat({ max: bytes.length - 1 })
    const change = fc.tuple(place, fc.integer({ min: 0, max: 255 }))
    const changes = fc.array(change, { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(changes, fc.option(place), async (hits, cut) => {
        const copy = Buffer.from(bytes)
        for (const [index, value] of hits) copy[index] = value
        expect(await outcome(cut === null ? copy : copy.subarray(0, cut))).toMatch(isExpected)
      }),
      { numRuns: 60 },
    )
  })

  test('a beginning of any kind, and noise', async () => {
    const starts = [
      '\x89PNG\r\n\x1a\n',
      '\xff\xd8\xff',
      'GIF89a',
      'RIFF\x60\0\0\0WEBPVP8L',
      'BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0',
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...starts),
        fc.uint8Array({ maxLength: 200 }),
        async (start, noise) => {
          expect(await outcome(Buffer.concat([Buffer.from(start, 'latin1'), noise]))).toMatch(isExpected)
        },
      ),
      { numRuns: 200 },
    )
  })
})
