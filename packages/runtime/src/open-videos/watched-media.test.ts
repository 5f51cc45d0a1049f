import { CancelledError } from '@longtake/core'
import { expect, test } from 'vitest'
import type { WatchOptions } from '../engine/watch-options.js'
import type { WatchedVideo } from '../engine/watched-video.js'
import { type Media, WatchedMedia } from './watched-media.js'

const never = new AbortController().signal

/** A model that notes what it watches and closes. */
function makeModel() {
  const log: string[] = []
  const watch = async (input: unknown, { frames, onProgress }: WatchOptions = {}) => {
    log.push(`watch ${input} ${frames}`)
    onProgress?.({ stage: 'open', done: 1, total: 1 })
    const close = async (): Promise<void> => void log.push(`close ${input} ${frames}`)
    return { close } as WatchedVideo
  }
  return { log, watched: new WatchedMedia(async () => ({ watch }), 2) }
}

const media = (name: string): Media => ({ key: name, open: async () => name })

test('the same media with the same options are watched once, with others again', async () => {
  const { log, watched } = makeModel()
  const told: string[] = []
  for (const frames of [8, 16, 8]) {
    await using _ = await watched.acquire(media('a'), { frames }, never, ({ stage }) => told.push(stage))
  }
  expect(log).toEqual(['watch a 8', 'watch a 16'])
  expect(told).toEqual(['open', 'open'])
  await watched.close()
  expect(log.slice(2).toSorted()).toEqual(['close a 16', 'close a 8'])
})

test('what cannot be opened is told, and opened anew the next time', async () => {
  const { log, watched } = makeModel()
  let tries = 0
  const shy: Media = {
    key: 'shy',
    open: async () => {
      tries += 1
      if (tries === 1) throw new CancelledError('Not now.')
      return 'shy'
    },
  }
  await expect(watched.acquire(shy, {}, never)).rejects.toThrow('Not now.')
  await using _ = await watched.acquire(shy, {}, never)
  expect([tries, log]).toEqual([2, ['watch shy undefined']])
})
