import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openVideo, type VideoFrame } from './index.js'

const data = (name: string) => fileURLToPath(new URL(`../../../../tests/data/video/${name}`, import.meta.url))

async function firstFrame(name: string): Promise<VideoFrame> {
  await using video = await openVideo(data(name))
  for await (const frame of video.frames([0], 'exact')) return frame
  throw new Error('no frame')
}

/** Name of the colour at a place given in shares of width and height. */
function colourAt({ rgb, width, height }: VideoFrame, x: number, y: number): string {
  const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 3
  const [red, green, blue] = [rgb[at]! > 90, rgb[at + 1]! > 90, rgb[at + 2]! > 90]
  if (red && green && blue) return 'white'
  return red ? 'red' : green ? 'green' : blue ? 'blue' : 'black'
}

/** Colours left, middle and right of the middle row; then at the middle of the top and bottom edge. */
function layoutOf(frame: VideoFrame): string {
  const middle = [0.15, 0.5, 0.85].map((x) => colourAt(frame, x, 0.5))
  return [...middle, '|', colourAt(frame, 0.5, 0.06), colourAt(frame, 0.5, 0.94)].join(' ')
}

describe('geometry', () => {
  test.each([
    // Upright: red, green, blue from the left, a white bar at the top.
    ['upright.mp4', 96, 64, 'red green blue | white green'],
    ['rotated-90.mp4', 64, 96, 'green green white | red blue'],
    ['rotated-180.mp4', 96, 64, 'blue green red | green white'],
    ['rotated-270.mp4', 64, 96, 'white green green | blue red'],
    ['wide-pixels.mp4', 192, 64, 'red green blue | white green'],
    ['tall-pixels.mkv', 96, 128, 'red green blue | white green'],
    ['odd-size.webm', 97, 61, 'red green blue | white green'],
  ])('%s is shown %i×%i, the right way up', async (name, width, height, layout) => {
    const frame = await firstFrame(name)
    expect([frame.width, frame.height, frame.rgb.length]).toEqual([width, height, width * height * 3])
    expect(layoutOf(frame)).toBe(layout)
    await using video = await openVideo(data(name))
    expect(video.facts).toMatchObject({ width, height })
  })

  test('8K is read at full size', async () => {
    const frame = await firstFrame('8k.mp4')
    expect([frame.width, frame.height]).toEqual([7680, 4320])
    // 0x3070c0 all over, first and last pixel.
    for (const at of [0, frame.rgb.length - 3]) {
      const pixel = [...frame.rgb.subarray(at, at + 3)]
      for (const [index, value] of [0x30, 0x70, 0xc0].entries())
        expect(Math.abs(pixel[index]! - value)).toBeLessThan(5)
    }
  })
})

describe('colour', () => {
  const files = [
    'bt601-limited.mp4',
    'bt601-full.webm',
    'bt709-limited.mp4',
    'bt709-full.mp4',
    'bt709-444.mp4',
    'bt2020-10bit.mp4',
    'untagged.mp4',
  ]

  test.each(files)('%s equals what ffmpeg makes of it', async (name) => {
    const frame = await firstFrame(`colour-${name}`)
    const reference = await readFile(data(`colour-${name}.rgb`))
    expect(frame.rgb.length).toBe(reference.length)
    const worst = frame.rgb.reduce(
      (largest, value, index) => Math.max(largest, Math.abs(value - reference[index]!)),
      0,
    )
    // Rounding differs by a step between processors' vector units.
    expect(worst).toBeLessThanOrEqual(3)
  })

  test.each(files)('%s shows the bars that were drawn', async (name) => {
    const frame = await firstFrame(`colour-${name}`)
    // SMPTE 75 % bars at a quarter of the height: between the grey margins, seven bars of one seventh each.
    const bars = [
      [191, 191, 191],
      [191, 191, 0],
      [0, 191, 191],
      [0, 191, 0],
      [191, 0, 191],
      [191, 0, 0],
      [0, 0, 191],
    ]
    for (const [index, bar] of bars.entries()) {
      const x = Math.floor(frame.width * (0.125 + ((index + 0.5) / 7) * 0.75))
      const at = (Math.floor(frame.height / 4) * frame.width + x) * 3
      for (const [channel, value] of bar.entries())
        expect(Math.abs(frame.rgb[at + channel]! - value)).toBeLessThan(10)
    }
  })
})
