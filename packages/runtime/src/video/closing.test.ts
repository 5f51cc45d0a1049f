import { readdir, readFile, readlink } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { AV_LOG_QUIET } from 'node-av/constants'
import { Log } from 'node-av/lib'
import { describe, expect, test } from 'vitest'
import { openVideo, type VideoSource } from './index.js'

const data = (name: string) => fileURLToPath(new URL(`../../../../tests/data/video/${name}`, import.meta.url))

/** Opens a fixture and reads all of it; a refusal counts as read. */
async function readAll(name: string): Promise<void> {
  try {
    await using video = await openVideo(data(name))
    for await (const _ of video.frames([0, 1, 2, 3], 'exact'));
  } catch {}
}

/** Fixtures that this process has open; Linux tells. */
async function openFiles(): Promise<string[]> {
  const names = process.platform === 'linux' ? await readdir('/proc/self/fd') : []
  const links = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return links.filter((link) => link.includes('/tests/data/video/'))
}

describe('cancelling', () => {
  const cancelled = { code: 'CANCELLED' }

  test('before opening, while opening', async () => {
    await expect(openVideo(data('h264.mp4'), { signal: AbortSignal.abort() })).rejects.toMatchObject(
      cancelled,
    )
    const controller = new AbortController()
    const bytes = new Uint8Array(await readFile(data('h264.mp4')))
    const read = async (start: number, end: number) => {
      controller.abort()
      return bytes.slice(start, end)
    }
    const source: VideoSource = { name: 'x.mp4', size: async () => bytes.length, read, close: async () => {} }
    await expect(openVideo(source, { signal: controller.signal })).rejects.toMatchObject(cancelled)
  })

  test('between pictures', async () => {
    await using video = await openVideo(data('h264.mp4'))
    const controller = new AbortController()
    const seen: number[] = []
    const run = async () => {
      for await (const frame of video.frames([0, 1, 2, 3], 'exact', { signal: controller.signal })) {
        seen.push(frame.timestampSeconds)
        if (seen.length === 2) controller.abort(new Error('enough'))
      }
    }
    await expect(run()).rejects.toMatchObject({ ...cancelled, cause: new Error('enough') })
    expect(seen).toEqual([0, 1])
  })

  test('within a long way from the keyframe', async () => {
    await using video = await openVideo(data('one-keyframe.mp4'))
    const controller = new AbortController()
    let decoded = 0
    const iterator = video.frames([11.9], 'exact', { signal: controller.signal, onFrame: () => decoded++ })
    const next = iterator[Symbol.asyncIterator]().next()
    setImmediate(() => controller.abort())
    await expect(next).rejects.toMatchObject(cancelled)
    expect(decoded).toBe(0)
  })

  test('by closing the video', async () => {
    const video = await openVideo(data('one-keyframe.mp4'))
    const iterator = video.frames([11.9, 12], 'exact')[Symbol.asyncIterator]()
    const next = iterator.next().then(
      () => 'picture',
      (error) => error.code,
    )
    await Promise.all([video.close(), video.close()])
    expect(['picture', 'CANCELLED']).toContain(await next)
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    await expect(video.frames([0], 'exact')[Symbol.asyncIterator]().next()).rejects.toMatchObject(cancelled)
  })
})

describe('nothing is left behind', () => {
  test('no file stays open, however a pass ends', async () => {
    const before = await openFiles()
    for (const name of ['h264.mp4', 'mpeg4.avi', 'audio-only.mp4', 'unknown-codec.mkv', 'still.png'])
      await readAll(name)
    const video = await openVideo(data('h264.mp4'))
    for await (const _ of video.frames([0, 1], 'exact')) break
    if (process.platform === 'linux') expect((await openFiles()).length).toBe(before.length + 1)
    const controller = new AbortController()
    const pass = video.frames([3, 4], 'keyframe', { signal: controller.signal })[Symbol.asyncIterator]()
    await pass.next()
    controller.abort()
    await expect(pass.next()).rejects.toMatchObject({ code: 'CANCELLED' })
    await video.close()
    expect(await openFiles()).toEqual(before)
  })

  test('FFmpeg writes nothing to the console', async () => {
    await readAll('h264.mp4')
    expect(Log.getLevel()).toBe(AV_LOG_QUIET)
  })
})
