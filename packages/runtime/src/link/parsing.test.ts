import { LinkError } from '@longtake/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BLOCK_BYTES, BlockReader } from '../block-reader.js'
import { parseContentRange, parseUnsatisfied } from './content-range.js'
import { pageMedia } from './page-media.js'
import { readPlaylist } from './playlist.js'

describe('BlockReader', () => {
  /** Byte at a place of a file that is reckoned. */
  const byteAt = (at: number) => (at * 31 + (at >> 8)) & 0xff
  const bytesOf = (start: number, end: number) =>
    Uint8Array.from({ length: end - start }, (_, at) => byteAt(start + at))

  test('any reads give the right bytes, however little memory there is, and nothing is asked for beyond the end', async () => {
    const place = fc.nat(12 * BLOCK_BYTES)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 * BLOCK_BYTES }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.tuple(place, fc.nat(3 * BLOCK_BYTES)), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (size, blocks, reads, atOnce) => {
          const reader = new BlockReader(size, blocks * BLOCK_BYTES, async (start, end) => {
            expect(start % BLOCK_BYTES).toBe(0)
            expect(start < end && end <= size).toBe(true)
            return bytesOf(start, end)
          })
          const check = async ([start, length]: readonly [number, number]) => {
            const from = Math.min(start, size)
            const expected = bytesOf(from, Math.min(size, start + length))
            expect(Buffer.compare(await reader.read(start, start + length), expected)).toBe(0)
          }
          if (atOnce) await Promise.all(reads.map(check))
          else for (const read of reads) await check(read)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('what fails is tried again by the next reader, and only it fails', async () => {
    let fails = true
    const reader = new BlockReader(10 * BLOCK_BYTES, 2 ** 20, async (start, end) => {
      if (fails) throw new Error('cut')
      return bytesOf(start, end)
    })
    await expect(reader.read(0, 10)).rejects.toThrow('cut')
    fails = false
    expect(await reader.read(0, 10)).toEqual(bytesOf(0, 10))
  })

  test('readers of the same block share one request', async () => {
    let requests = 0
    const reader = new BlockReader(10 * BLOCK_BYTES, 2 ** 20, async (start, end) => {
      requests++
      return bytesOf(start, end)
    })
    await Promise.all(Array.from({ length: 10 }, () => reader.read(5 * BLOCK_BYTES, 5 * BLOCK_BYTES + 10)))
    expect(requests).toBe(1)
  })
})

test.each([
  ['bytes 0-9/10', { start: 0, end: 10, total: 10 }],
  ['BYTES 5-5/*', { start: 5, end: 6, total: undefined }],
  ['bytes 0-10/10', undefined],
  ['bytes 5-4/10', undefined],
  ['bytes */10', undefined],
  ['bytes 0-9', undefined],
  ['bytes -1-9/10', undefined],
  ['bytes 0-9/10, bytes 0-9/10', undefined],
  ['bytes 0-9007199254740992/9007199254740993', undefined],
  ['items 0-9/10', undefined],
  [undefined, undefined],
])('Content-Range %s', (header, range) => {
  expect(parseContentRange(header)).toEqual(range)
})

test('the length of a file of which no range can be had', () => {
  expect(parseUnsatisfied('bytes */0')).toBe(0)
  expect(parseUnsatisfied('bytes 0-1/2')).toBeUndefined()
})

describe('hostile texts', () => {
  const pieces = fc.constantFrom(
    '<video',
    ' src="',
    '"',
    '>',
    '</video>',
    '<source',
    '<meta property=',
    'og:video',
    '<!--',
  )
  const html = fc.array(fc.oneof(pieces, fc.string())).map((parts) => parts.join(''))

  test('any page names at most five addresses', () => {
    fc.assert(fc.property(html, (text) => pageMedia(text).length <= 5))
  })

  const tags = [
    '#EXTM3U',
    '#EXTINF:5,',
    '#EXT-X-ENDLIST',
    '#EXT-X-MAP:URI="',
    '#EXT-X-BYTERANGE:',
    '#EXT-X-KEY:METHOD=',
  ]
  const more = [
    '#EXT-X-STREAM-INF:BANDWIDTH=1',
    '#EXT-X-DEFINE:',
    '#EXT-X-TARGETDURATION:5',
    'a.ts',
    '1@2',
    '"',
    '\0',
  ]
  const lines = fc.array(fc.oneof(fc.constantFrom(...tags, ...more), fc.string()), { maxLength: 30 })

  function isReadOrRefused(text: string): boolean {
    try {
      const playlist = readPlaylist(text, 100)
      return 'variant' in playlist
        ? typeof playlist.variant === 'string'
        : playlist.pieces.length <= 101 && playlist.pieces.every(({ uri }) => typeof uri === 'string')
    } catch (error) {
      return error instanceof LinkError
    }
  }

  test('any playlist is read or refused by name', () => {
    fc.assert(
      fc.property(lines, fc.boolean(), (parts, isBroken) =>
        isReadOrRefused(['#EXTM3U', ...parts].join(isBroken ? '' : '\n')),
      ),
      { numRuns: 1000 },
    )
  })

  test('long lines of every kind take no more than their length', () => {
    for (const part of [
      ...tags,
      ...more,
      ',',
      'A="',
      '=',
      '\t',
      'x:',
      '&lt;',
      '<a ',
      '<video><source>',
      '/*',
    ]) {
      const long = part.repeat(Math.ceil(2_000_000 / part.length))
      expect(isReadOrRefused(`#EXTM3U\n${long}`)).toBe(true)
      pageMedia(long)
    }
  })
})
