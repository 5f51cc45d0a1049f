import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openVideo, type Picture } from './index.js'
import { JpegWriter } from './jpeg-writer.js'

const data = (name: string) => fileURLToPath(new URL(`../../../../tests/data/${name}`, import.meta.url))

async function firstPicture(input: string | Uint8Array): Promise<Picture> {
  await using video = await openVideo(input)
  for await (const { rgb, width, height } of video.frames([0], 'exact'))
    return { rgb: rgb.slice(), width, height }
  throw new Error('no picture')
}

/** Peak signal-to-noise ratio, dB. */
function psnr(a: Uint8Array, b: Uint8Array): number {
  const error = a.reduce((sum, value, index) => sum + (value - b[index]!) ** 2, 0) / a.length
  return 10 * Math.log10(255 ** 2 / error)
}

async function writeOne(picture: Picture): Promise<Uint8Array> {
  const writer = new JpegWriter()
  try {
    return await writer.write(picture)
  } finally {
    writer.close()
  }
}

/** Waves of several lengths in all channels, as smooth as photographs are. */
function waves(width: number, height: number): Picture {
  const rgb = new Uint8Array(width * height * 3)
  for (let at = 0; at < rgb.length; at++) {
    const [x, y, channel] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width), at % 3]
    rgb[at] = Math.round(127 + 60 * Math.sin(x / 9 + channel) + 60 * Math.cos(y / 7 - channel))
  }
  return { rgb, width, height }
}

describe('JPEG files', () => {
  test.each([
    ['demo/0000.mp4', 34],
    ['demo/0002.webm', 34],
    ['video/upright.mp4', 30],
  ])('a picture of %s comes back close to what it was', async (name, least) => {
    const picture = await firstPicture(data(name))
    const jpeg = await writeOne(picture)
    expect([...jpeg.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff])
    expect(jpeg.length).toBeLessThan(picture.rgb.length / 3)
    const back = await firstPicture(jpeg)
    expect([back.width, back.height]).toEqual([picture.width, picture.height])
    expect(psnr(back.rgb, picture.rgb)).toBeGreaterThan(least)
  })

  test.each([
    [512, 288],
    [97, 61],
    [1, 1],
    [3, 200],
  ])('%i×%i pixels', async (width, height) => {
    const picture = waves(width, height)
    const back = await firstPicture(await writeOne(picture))
    expect([back.width, back.height]).toEqual([width, height])
    expect(psnr(back.rgb, picture.rgb)).toBeGreaterThan(30)
  })

  test.each([
    ['black', [0, 0, 0]],
    ['white', [255, 255, 255]],
    ['red', [255, 0, 0]],
    ['grey', [128, 128, 128]],
  ])('%s stays %s: neither range nor matrix is mistaken', async (_, colour) => {
    const rgb = Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => colour[at % 3]!)
    const back = await firstPicture(await writeOne({ rgb, width: 64, height: 64 }))
    for (const [channel, value] of colour.entries())
      expect(Math.abs(back.rgb[(32 * 64 + 32) * 3 + channel]! - value)).toBeLessThanOrEqual(3)
  })

  test('sizes may change from picture to picture, and files do not share memory', async () => {
    const writer = new JpegWriter()
    try {
      const first = await writer.write(waves(64, 48))
      const copy = first.slice()
      const other = await firstPicture(await writer.write(waves(32, 80)))
      expect([other.width, other.height]).toEqual([32, 80])
      expect(await writer.write(waves(64, 48))).toEqual(first)
      expect(await writer.write(waves(64, 48))).toEqual(first)
      expect(first).toEqual(copy)
    } finally {
      writer.close()
    }
  })

  test('refuses pixels that do not fit', async () => {
    await expect(writeOne({ rgb: new Uint8Array(5), width: 2, height: 2 })).rejects.toMatchObject({
      code: 'SHAPE',
    })
  })
})
