import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { chunk, image, outcome, patched, png, VARIED_STILLS } from '../../test/stills.js'
import { openVideo, type VideoSource } from './index.js'

const FOUR_PIXELS = { width: 2, height: 2, pixels: deflateSync(Buffer.from([0, 10, 20, 0, 30, 40])) }
const ALL_ONES = [0xff, 0xff]
const NOTHING = [0, 0]

describe('a picture of absurd size is refused by its header', () => {
  test('a PNG of 50,000×50,000 in 100 KB', async () => {
    const bytes = png({ width: 50_000, height: 50_000, pixels: deflateSync(Buffer.alloc(100_000_000)) })
    expect(bytes.length).toBeLessThan(110_000)
    expect(await outcome(bytes)).toMatch(/^VIDEO_TOO_LARGE .*50000×50000.*64 megapixels/)
  })

  test.each([
    [8_193, 8_192],
    [16_385, 1],
    [1, 16_385],
    [0xffffffff, 0xffffffff],
  ])('%i×%i', async (width, height) => {
    expect(await outcome(png({ ...FOUR_PIXELS, width, height }))).toMatch(/^VIDEO_TOO_LARGE/)
  })

  test('in every other format', async () => {
    const jpeg = patched(await image('444.jpg'), [0xff, 0xc0], 5, [...ALL_ONES, ...ALL_ONES])
    expect(await outcome(jpeg)).toMatch(/^VIDEO_TOO_LARGE .*65535×65535/)
    const gif = patched(await image('plain.gif'), 'GIF', 6, [...ALL_ONES, ...ALL_ONES])
    expect(await outcome(gif)).toMatch(/^VIDEO_TOO_LARGE .*65535×65535/)
    const bmp = patched(await image('rgb.bmp'), 'BM', 18, [...ALL_ONES, 0, 0, ...ALL_ONES, 0, 0])
    expect(await outcome(bmp)).toMatch(/^VIDEO_TOO_LARGE .*65535×65535/)
    const lowest = patched(await image('rgb.bmp'), 'BM', 22, [0, 0, 0, 0x80])
    expect(await outcome(lowest)).toMatch(/^VIDEO_TOO_LARGE .*2147483648/)
    const canvas = patched(await image('animated.webp'), 'VP8X', 12, [...ALL_ONES, 0xff, ...ALL_ONES, 0xff])
    expect(await outcome(canvas)).toMatch(/^VIDEO_TOO_LARGE .*16777216/)
    const lossless = patched(await image('lossless.webp'), 'VP8L', 9, [...ALL_ONES, ...ALL_ONES])
    expect(await outcome(lossless)).toMatch(/^VIDEO_TOO_LARGE .*16384×16384/)
    const lossy = patched(await image('lossy.webp'), [0x9d, 0x01, 0x2a], 3, [...ALL_ONES, ...ALL_ONES])
    expect(await outcome(lossy)).toMatch(/^VIDEO_TOO_LARGE .*16383×16383/)
  })

  test('a gigabyte that begins like a PNG is not read', async () => {
    let read = 0
    const source: VideoSource = {
      name: 'huge.png',
      size: async () => 2 ** 30,
      read: async (start, end) => {
        read += end - start
        const bytes = new Uint8Array(end - start)
        bytes.set(png(FOUR_PIXELS))
        return bytes
      },
      close: async () => {},
    }
    expect(await outcome(source)).toMatch(/^VIDEO_TOO_LARGE .*1024 MiB/)
    expect(read).toBeLessThanOrEqual(4096)
  })

  test('a JPEG in more passes than anyone needs', async () => {
    const bytes = patched(await image('progressive.jpg'), [0xff, 0xc2], 5, [0x20, 0, 0x20, 0])
    const start = bytes.indexOf(Buffer.from([0xff, 0xda]))
    const scans = Array.from({ length: 17 }, () => bytes.subarray(start, -2))
    const bomb = Buffer.concat([bytes.subarray(0, start), ...scans, Buffer.from([0xff, 0xd9])])
    expect(await outcome(bomb)).toMatch(/^VIDEO_UNSUPPORTED_CODEC .*passes/)
  })

  test('compressed texts and profiles of a PNG are left out', async () => {
    const bomb = deflateSync(Buffer.alloc(50_000_000))
    const more = ['iCCP', 'zTXt'].map((kind) => chunk(kind, Buffer.concat([Buffer.from('x\0\0'), bomb])))
    expect(await outcome(png({ ...FOUR_PIXELS, more }))).toBe('2×2')
  })
})

describe('a picture without a size', () => {
  test('is damaged', async () => {
    const cases = [
      png({ ...FOUR_PIXELS, width: 0 }),
      png({ ...FOUR_PIXELS, height: 0 }),
      patched(await image('444.jpg'), [0xff, 0xc0], 5, NOTHING),
      patched(await image('plain.gif'), 'GIF', 6, NOTHING),
      patched(await image('rgb.bmp'), 'BM', 18, [0, 0, 0, 0]),
      patched(await image('rgb.bmp'), 'BM', 18, [0xff, 0xff, 0xff, 0xff]),
      patched(await image('lossy.webp'), [0x9d, 0x01, 0x2a], 3, NOTHING),
    ]
    for (const bytes of cases) expect(await outcome(bytes)).toMatch(/^VIDEO_UNREADABLE .*no size/)
  })
})

describe('a picture that is cut off', () => {
  test.each(VARIED_STILLS)('%s, wherever it is cut', async (name) => {
    const bytes = await image(name)
    // Where all pixels are there, the end mark of a GIF or of run lengths may be missing.
    const endMark = name === 'run-lengths.bmp' ? 2 : name === 'plain.gif' ? 1 : 0
    const last = bytes.length - endMark - 1
    for (let step = 0; step <= 20; step++) {
      const length = Math.round(26 + ((last - 26) * step) / 20)
      expect(await outcome(bytes.subarray(0, length))).toMatch(/^VIDEO_TRUNCATED .*cut off/)
    }
  })

  test('of a moving one the first picture is enough', async () => {
    const bytes = await image('animated.gif')
    expect(await outcome(bytes.subarray(0, Math.round(bytes.length * 0.7)))).toBe('37×22')
  })
})

describe('a picture that is damaged', () => {
  test('a PNG with wrong checksums, where they matter', async () => {
    const bytes = await image('palette-alpha.png')
    for (const kind of ['IHDR', 'PLTE', 'IDAT', 'IEND']) {
      const place = bytes.indexOf(kind) + 4 + bytes.readUInt32BE(bytes.indexOf(kind) - 4)
      const copy = Buffer.from(bytes)
      copy[place] = copy.readUInt8(place) ^ 1
      expect(await outcome(copy)).toMatch(new RegExp(`^VIDEO_UNREADABLE .*checksum of its ${kind}`))
    }
    const text = chunk('tEXt', Buffer.from('a\0b'))
    text[text.length - 1] = text.readUInt8(text.length - 1) ^ 1
    expect(await outcome(png({ ...FOUR_PIXELS, more: [text] }))).toBe('2×2')
    // Without its transparency it is shown as it lies below.
    const opaque = patched(bytes, 'tRNS', 4, [bytes.readUInt8(bytes.indexOf('tRNS') + 4) ^ 1])
    await using video = await openVideo(opaque)
    expect(video.notes).toEqual([])
  })

  test('a PNG whose chunks contradict each other', async () => {
    const header = png(FOUR_PIXELS).subarray(8, 33)
    const twice = (kind: string) => [chunk(kind, Buffer.alloc(3)), chunk(kind, Buffer.alloc(3))]
    const cases: [Uint8Array, RegExp][] = [
      [png({ ...FOUR_PIXELS, more: [header] }), /several places/],
      [png({ ...FOUR_PIXELS, more: twice('PLTE') }), /several places/],
      [
        png({ ...FOUR_PIXELS, more: [chunk('IDAT', FOUR_PIXELS.pixels), chunk('tEXt', Buffer.alloc(3))] }),
        /several/,
      ],
      [patched(png(FOUR_PIXELS), 'IHDR', 12, [3]), /form that PNG does not have/],
      [patched(png(FOUR_PIXELS), 'IHDR', 13, [5]), /form that PNG does not have/],
      [patched(png(FOUR_PIXELS), 'PNG', 3, [0x0a, 0x1a]), /header/],
      [png({ ...FOUR_PIXELS, pixels: new Uint8Array() }), /decoded/],
      [png({ ...FOUR_PIXELS, pixels: Buffer.from('no deflate at all') }), /decoded/],
    ]
    for (const [bytes, part] of cases) {
      const result = await outcome(bytes)
      expect(result).toMatch(/^VIDEO_UNREADABLE/)
      expect(result).toMatch(part)
    }
  })

  test('a JPEG whose parts contradict each other', async () => {
    const bytes = await image('420.jpg')
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]))
    const scan = bytes.indexOf(Buffer.from([0xff, 0xda]))
    const end = Buffer.from([0xff, 0xd9])
    const header = bytes.subarray(frame, frame + 2 + bytes.readUInt16BE(frame + 2))
    const cases: [Buffer, string][] = [
      [Buffer.concat([bytes.subarray(0, scan), header, bytes.subarray(scan)]), 'VIDEO_UNREADABLE'],
      [Buffer.concat([bytes.subarray(0, 2), bytes.subarray(scan)]), 'VIDEO_UNREADABLE'],
      [Buffer.concat([bytes.subarray(0, scan), end]), 'VIDEO_UNREADABLE'],
      [Buffer.concat([bytes.subarray(0, scan + 40), end]), 'VIDEO_UNREADABLE'],
      [patched(bytes, [0xff, 0xc0], 1, [0xc3]), 'VIDEO_UNSUPPORTED_CODEC'],
      [patched(bytes, [0xff, 0xc0], 1, [0xc9]), 'VIDEO_UNSUPPORTED_CODEC'],
      [patched(bytes, [0xff, 0xc0], 4, [12]), 'VIDEO_UNSUPPORTED_CODEC'],
      [patched(bytes, [0xff, 0xc0], 9, [2]), 'VIDEO_UNSUPPORTED_CODEC'],
      [patched(await image('cmyk.jpg'), 'Adobe', 0, [0]), 'VIDEO_UNSUPPORTED_CODEC'],
    ]
    for (const [changed, code] of cases) expect(await outcome(changed)).toMatch(new RegExp(`^${code}`))
    const stuffed = Buffer.concat([
      bytes.subarray(0, frame),
      Buffer.from('lost bytes'),
      bytes.subarray(frame),
    ])
    expect(await outcome(stuffed)).toBe('36×22')
  })

  test('a WebP, GIF or BMP whose parts contradict each other', async () => {
    const cases = [
      patched(await image('lossless-alpha.webp'), 'VP8L', 0, [0x58]),
      patched(await image('lossless.webp'), 'VP8L', 8, [0]),
      patched(await image('partial.webp'), 'ANMF', 8, [30]),
      patched(await image('plain.gif'), 'GIF', 6, [20]),
      patched(await image('rgb.bmp'), 'BM', 10, [20]),
      patched(await image('rgb.bmp'), 'BM', 28, [23]),
    ]
    for (const bytes of cases) expect(await outcome(bytes)).toMatch(/^VIDEO_UNREADABLE .*damaged/)
    const jpegInside = patched(await image('rgb.bmp'), 'BM', 30, [4])
    expect(await outcome(jpegInside)).toMatch(/^VIDEO_UNSUPPORTED_CODEC/)
  })

  test('a file that changes after it was opened', async () => {
    const first = await image('rgb.png')
    for (const later of [Buffer.from('gone'), first.subarray(0, 90), Buffer.alloc(0)]) {
      let bytes: Buffer = first
      const source: VideoSource = {
        name: 'changing.png',
        size: async () => bytes.length,
        read: async (start, end) => bytes.subarray(start, end),
        close: async () => {},
      }
      await using video = await openVideo(source)
      bytes = later
      const frames = video.frames([0], 'exact')[Symbol.asyncIterator]()
      await expect(frames.next()).rejects.toMatchObject({
        code: expect.stringMatching(/^VIDEO_(UNREADABLE|TRUNCATED)$/),
      })
    }
  })

  test('a source that fails', async () => {
    const bytes = await image('rgb.png')
    for (const limit of [0, 1, 2]) {
      let reads = 0
      const source: VideoSource = {
        name: 'lost.png',
        size: async () => bytes.length,
        read: async (start, end) => {
          if (reads++ >= limit) throw new Error('connection lost')
          return bytes.subarray(start, end)
        },
        close: async () => {},
      }
      expect(await outcome(source)).toMatch(/^VIDEO_UNREADABLE .*lost\.png/)
    }
  })
})
