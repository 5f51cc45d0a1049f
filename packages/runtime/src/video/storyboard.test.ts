import { fileURLToPath } from 'node:url'
import { decode } from 'fast-png'
import { describe, expect, test } from 'vitest'
import { heatColour, openVideo, type Picture, storyboard } from './index.js'

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
    await expect(storyboard([blue], { timestamps: [0], heat: [-1] })).rejects.toMatchObject({
      option: 'heat[0]',
    })
    await expect(storyboard([blue], { timestamps: [0], heat: [] })).rejects.toMatchObject({ code: 'SHAPE' })
    for (const window of [
      [0, 2],
      [-1, 1],
      [1, 1],
      [0.5, 1],
    ] as const) {
      const options = { timestamps: [0], weights: [1], windows: [window] }
      await expect(storyboard([blue], options)).rejects.toMatchObject({ option: 'windows[0]' })
    }
    await expect(storyboard([blue], { timestamps: [Number.NaN] })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
    const wrong = { ...blue, width: 63 }
    await expect(storyboard([wrong], { timestamps: [0] })).rejects.toMatchObject({ code: 'SHAPE' })
  })
})

describe('heat along time', () => {
  const frames = Array.from({ length: 4 }, () => plain(64, 36, [10, 20, 200]))
  const timestamps = [0.5, 1.5, 2.5, 3.5]
  const coloursAt = (png: Uint8Array, y: number): string[] => {
    const { data, channels, width, height } = decode(png)
    const row = (height + y) * width
    return Array.from({ length: width }, (_, x) =>
      data.slice((row + x) * channels, (row + x) * channels + 3).join(),
    )
  }
  /** A row within the bar, counted from the bottom of the sheet. */
  const BAR = -24 - 14 - 4 - 6 - 4 - 6 - 4 - 20

  test('is a bar over the whole width, each quarter in the colour of its frame', async () => {
    const row = coloursAt(
      await storyboard(frames, { timestamps, weights: [0, 1, 2, 4], heat: [4, 0, 1, 2] }),
      BAR,
    )
    const length = row.length - 48
    for (const [index, share] of [1, 0, 0.25, 0.5].entries()) {
      expect(row[24 + Math.round((index + 0.5) * (length / 4))]).toBe(heatColour(share).join())
    }
    expect(row[23]).toBe('17,19,24')
    expect(row.at(-24)).toBe('17,19,24')
  })

  test('is left out where nothing is known, and takes the weights where nothing else is said', async () => {
    const plainSheet = decode(await storyboard(frames, { timestamps })).height
    const heated = await storyboard(frames, { timestamps, heat: [0, 1, 0, 0] })
    expect(decode(heated).height).toBeGreaterThan(plainSheet + 100)
    expect(colours(heated).get(AMBER)).toBeUndefined()
    const row = coloursAt(await storyboard(frames, { timestamps, weights: [4, 0, 1, 2] }), BAR)
    expect(row).toEqual(coloursAt(await storyboard(frames, { timestamps, heat: [4, 0, 1, 2] }), BAR))
  })

  test('shows one moment among thousands', async () => {
    const many = Array.from({ length: 3000 }, (_, index) => index)
    const small = plain(2, 1, [1, 2, 3])
    const heat = many.map((index) => (index === 1234 ? 1 : 0.001))
    const row = coloursAt(
      await storyboard(
        many.map(() => small),
        { timestamps: many, heat },
      ),
      BAR,
    )
    expect(row).toContain(heatColour(1).join())
  })

  test('draws windows as brackets where there is room', async () => {
    const options = { timestamps, weights: [0, 0, 1, 0] }
    const without = await storyboard(frames, options)
    const withWindows = await storyboard(frames, {
      ...options,
      windows: [
        [0, 2],
        [2, 4],
      ],
    })
    expect(decode(withWindows).height).toBe(decode(without).height)
    const quiet = '146,152,166'
    expect(colours(withWindows).get(quiet)!).toBeGreaterThan(colours(without).get(quiet)!)
  })

  test('shows at most 64 pictures of many frames, those that weigh most among them', async () => {
    const many = Array.from({ length: 400 }, (_, index) => index)
    const pictures = many.map((index) => plain(16, 9, index === 321 ? [9, 9, 9] : [1, 2, 3]))
    const weights = many.map((index) => (index === 321 ? 1 : 0.1))
    const counts = colours(await storyboard(pictures, { timestamps: many, weights }))
    const cell = 180 * 101
    expect(counts.get('9,9,9')).toBe(cell)
    expect(counts.get('1,2,3')).toBe(63 * cell)
  })

  test('takes frames without a time of their own', async () => {
    const png = await storyboard(frames, { timestamps: [0, 0, 0, 0], weights: [1, 2, 3, 4] })
    expect(decode(png).width).toBeGreaterThan(600)
  })
})
