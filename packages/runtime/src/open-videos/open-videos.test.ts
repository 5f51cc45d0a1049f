import { CancelledError, VideoError } from '@longtake/core'
import { expect, test } from 'vitest'
import { type Closable, type Lease, type OpenVideo, OpenVideos } from './index.js'

const never = new AbortController().signal
const silent = (): void => {}

/** Videos that only count how often they are opened and closed. */
function makeCounter() {
  const opened: string[] = []
  const closed: string[] = []
  const opener = (name: string): OpenVideo<Closable> => {
    return async () => {
      opened.push(name)
      await Promise.resolve()
      const close = async (): Promise<void> => {
        closed.push(name)
      }
      return { close }
    }
  }
  return { opened, closed, opener }
}

async function use(
  videos: OpenVideos<Closable>,
  name: string,
  opener: (name: string) => OpenVideo<Closable>,
): Promise<void> {
  await using _ = await videos.acquire(name, opener(name), never, silent)
}

test('keeps the latest used and closes the others', async () => {
  const { opened, closed, opener } = makeCounter()
  const videos = new OpenVideos<Closable>(2)
  for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await use(videos, name, opener)
  // c pushes b out, because a was used after it; then b pushes c out.
  expect(opened).toEqual(['a', 'b', 'c', 'b'])
  expect(closed).toEqual(['b', 'c'])
  await videos.close()
  expect(closed.toSorted()).toEqual(['a', 'b', 'b', 'c'])
})

test('closes none that is used, and with room for none each after its use', async () => {
  const { closed, opener } = makeCounter()
  const videos = new OpenVideos<Closable>(0)
  const leases = await Promise.all(['a', 'b'].map((it) => videos.acquire(it, opener(it), never, silent)))
  expect(closed).toEqual([])
  for (const lease of leases) await lease[Symbol.asyncDispose]()
  await videos.close()
  expect(closed).toEqual(['a', 'b'])
  expect(videos.size).toBe(0)
})

test('who comes while it is opened waits for it; opening ends when nobody waits any more', async () => {
  const videos = new OpenVideos<Closable>(1)
  const stopped = new Promise<AbortSignal>((resolve) => {
    const open: OpenVideo<Closable> = (signal, tell) => {
      tell({ stage: 'decode', done: 1, total: 2 })
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          resolve(signal)
          reject(new CancelledError())
        })
      })
    }
    const leave = [new AbortController(), new AbortController()] as const
    const waits: Promise<Lease<Closable>>[] = leave.map(({ signal }) =>
      videos.acquire('a', open, signal, silent),
    )
    leave[0].abort()
    const first = expect(waits[0]).rejects.toBeInstanceOf(CancelledError)
    void first.then(() => {
      expect(videos.size).toBe(1)
      waits[1]?.catch(() => {})
      leave[1].abort()
    })
  })
  expect((await stopped).aborted).toBe(true)
  expect(videos.size).toBe(0)
})

test('a failure is told to all who wait, and is not kept', async () => {
  const { opened, opener } = makeCounter()
  const videos = new OpenVideos<Closable>(1)
  const failing: OpenVideo<Closable> = async () => {
    throw new VideoError('VIDEO_EMPTY', 'The file is empty.')
  }
  const waits = [1, 2].map(() => videos.acquire('a', failing, never, silent))
  for (const wait of waits) await expect(wait).rejects.toBeInstanceOf(VideoError)
  await use(videos, 'a', opener)
  expect(opened).toEqual(['a'])
  await videos.close()
})
