import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { decode } from 'fast-png'
import { describe, expect, test } from 'vitest'
import { makeThumbnail, mattered, openVideo, type Picture, storyboard } from './index.js'

const AMBER = '255,176,32'

function plain(width: number, height: number, colour: readonly [number, number, number]): Picture {
  const rgb = new Uint8Array(width * height * 3)
  for (let at = 0; at < rgb.length; at += 3) rgb.set(colour, at)
  return { width, height, rgb }
}

/** How many pixels of a PNG have each colour. */
function colours(png: Uint8Array): Map<string, number> {
  const { data, channels } = decode(png)
  const counts = new Map<string, number>()
  for (let at = 0; at < data.length; at += channels) {
    const key = `${data[at]},${data[at + 1]},${data[at + 2]}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

describe('storyboard', () => {
  const blue = plain(64, 36, [10, 20, 200])

  test('is a PNG with each picture in it', async () => {
    const png = await storyboard([blue, plain(64, 36, [200, 20, 10])], { timestamps: [0, 12.5] })
    const { width, height, channels } = decode(png)
    expect([width, height, channels]).toEqual([24 + 320 + 16 + 320 + 24, 24 + 180 + 30 + 24, 3])
    const counts = colours(png)
    expect(counts.get('10,20,200')).toBe(320 * 180)
    expect(counts.get('200,20,10')).toBe(320 * 180)
    expect(counts.get(AMBER)).toBeUndefined()
  })

  test('marks the frames that mattered with a border and bars as long as their weight', async () => {
    const frames = [blue, blue, blue, blue]
    const timestamps = [0, 1, 2, 3]
    const even = colours(await storyboard(frames, { timestamps, weights: [1, 1, 1, 1] }))
    expect(even.get(AMBER)).toBeUndefined()
    const one = colours(await storyboard(frames, { timestamps, weights: [0, 5, 0, 0] })).get(AMBER) ?? 0
    const two = colours(await storyboard(frames, { timestamps, weights: [0, 5, 5, 0] })).get(AMBER) ?? 0
    expect(one).toBeGreaterThan(2 * 4 * (320 + 180))
    expect(two).toBe(2 * one)
  })

  test('is laid out in columns, full rows where that is possible', async () => {
    const sizes = async (frames: number, columns?: number) => {
      const timestamps = Array.from({ length: frames }, (_, index) => index)
      const { width, height } = decode(
        await storyboard(
          timestamps.map(() => blue),
          { timestamps, columns },
        ),
      )
      return [width, height]
    }
    expect(await sizes(3, 1)).toEqual([24 + 320 + 24, 48 + 3 * 210 + 2 * 16])
    expect(await sizes(1)).toEqual([368, 258])
    // Six would leave four places empty, eight leave none.
    expect((await sizes(32))[0]).toBe(48 + 8 * 180 + 7 * 16)
  })

  test('takes portraits, tiny pictures and odd sizes', async () => {
    const frames = [plain(9, 160, [1, 2, 3]), plain(1, 1, [4, 5, 6]), plain(333, 77, [7, 8, 9])]
    const png = await storyboard(frames, { timestamps: [0, 3599.96, 36_000] })
    expect(decode(png).height).toBeGreaterThan(480)
  })

  test('reads frames straight from a video', async () => {
    const path = fileURLToPath(new URL('../../../../tests/data/video/h264.mp4', import.meta.url))
    await using video = await openVideo(path)
    const timestamps = [0, 1, 2, 3]
    const png = await storyboard(video.frames(timestamps, 'keyframe'), { timestamps })
    expect(decode(png).width).toBe(48 + 2 * 320 + 16)
  })

  test('refuses what does not fit together', async () => {
    await expect(storyboard([], { timestamps: [] })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(storyboard([blue], { timestamps: [] })).rejects.toMatchObject({ code: 'SHAPE' })
    await expect(storyboard([blue], { timestamps: [0, 1] })).rejects.toMatchObject({ code: 'SHAPE' })
    await expect(storyboard([blue], { timestamps: [0], weights: [1, 2] })).rejects.toMatchObject({
      code: 'SHAPE',
    })
    for (const weight of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const options = { timestamps: [0], weights: [weight] }
      await expect(storyboard([blue], options)).rejects.toMatchObject({ option: 'weights[0]' })
    }
    for (const columns of [0, 1.5, 65, Number.NaN]) {
      await expect(storyboard([blue], { timestamps: [0], columns })).rejects.toMatchObject({
        option: 'columns',
      })
    }
    await expect(storyboard([blue], { timestamps: [Number.NaN] })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
    const wrong = { ...blue, width: 63 }
    await expect(storyboard([wrong], { timestamps: [0] })).rejects.toMatchObject({ code: 'SHAPE' })
  })
})

describe('mattered', () => {
  test('names what stands out, in time order', () => {
    expect(mattered([0.1, 0.9, 0.1, 0.6, 0.1, 0.44])).toEqual([1, 3])
    expect(mattered([1, 1, 1])).toEqual([])
    expect(mattered([0, 0])).toEqual([])
    expect(mattered([])).toEqual([])
  })

  test('never names more than eight', () => {
    const weights = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(weights, (list) => {
        const indices = mattered(list)
        expect(indices.length).toBeLessThanOrEqual(8)
        const largest = Math.max(...list)
        for (const index of indices) expect(list[index]).toBeGreaterThanOrEqual(largest / 2)
      }),
    )
  })
})

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
