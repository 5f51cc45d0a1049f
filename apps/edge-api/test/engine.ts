import { EngineError } from '@longtake/core'
import { openQueue } from '@longtake/jobs'
import { createApp, type EdgeApi } from '../src/app.js'
import { DEFAULT_LIMITS } from '../src/limits.js'
import { openEngine } from '../src/node/engine.js'
import { openUploads } from '../src/node/uploads.js'
import type { Engine, EngineVideo, Metrics } from '../src/services.js'
import type { JobProgress, VideoJob, VideoResult } from '../src/videos/job.js'

const silent = (): void => {}
const log = { info: silent, warn: silent, error: silent }
const metrics: Metrics = {
  request: silent,
  question: silent,
  tokens: silent,
  gauge: silent,
  render: async () => ({ contentType: 'text/plain', text: '' }),
}

/** The app over an engine whose first `losses` videos are lost before they answer, without a socket. */
export async function appThatLoses(losses: number): Promise<EdgeApi & { close(): Promise<void> }> {
  const engine = await openEngine(['@longtake/tiny'], { maxFrames: 64 })
  const uploads = await openUploads()
  const lossy = losing(engine, losses)
  const jobs = await openQueue<VideoJob, VideoResult, JobProgress>()
  const app = createApp({
    engine: lossy,
    jobs,
    links: {
      open: async () => {
        throw new EngineError('ENGINE_FAILED', 'No links here.')
      },
    },
    uploads,
    keys: { open: { name: 'anybody' }, find: async () => undefined },
    clock: Date.now,
    log,
    metrics,
    limits: DEFAULT_LIMITS,
    version: '0.0.0',
  })
  const close = async (): Promise<void> => {
    await app.drain(0)
    await uploads.close()
    await engine.close()
  }
  return { ...app, close }
}

function losing(engine: Engine, losses: number): Engine {
  let left = losses
  const models = [...engine.models].map(([name, model]) => {
    const watch: typeof model.watch = async (sources, options) => {
      const video = await model.watch(sources, options)
      if (left === 0) return video
      left -= 1
      const lost: EngineVideo = {
        plan: video.plan,
        facts: video.facts,
        timestamps: video.timestamps,
        storyboard: (given) => video.storyboard(given),
        thumbnail: (index) => video.thumbnail(index),
        close: () => video.close(),
        ask(question, given) {
          const answer = video.ask(question, given)
          answer.cancel()
          const failed = Promise.reject(new EngineError('ENGINE_FAILED', 'secret: /tmp/engine.sock'))
          failed.catch(silent)
          return Object.assign(answer, {
            [Symbol.asyncIterator]: () => ({ next: () => failed }),
          })
        },
      }
      return lost
    }
    return [name, { ...model, watch }] as const
  })
  return { models: new Map(models), check: () => engine.check() }
}
