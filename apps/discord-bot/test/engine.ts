import { CancelledError } from '@longtake/core'
import type { Engine, EngineResult, EngineWork } from '../src/index.js'

/** A PNG of one pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

/** An engine that says what a test wants to hear, when the test wants it. */
export interface ScriptedEngine extends Engine {
  /** All work so far. */
  readonly works: readonly EngineWork[]
  /** What is answered from now on; by default the question itself. */
  say(text: string | ((work: EngineWork) => string)): void
  /** Work waits from now on. */
  hold(): void
  /** Lets work go on that waits. */
  release(): void
  /** The next work fails. */
  fail(error: Error): void
}

export function scriptedEngine(models: readonly string[] = ['small', 'large']): ScriptedEngine {
  const works: EngineWork[] = []
  const failures: Error[] = []
  let answer = (work: EngineWork): string => `You asked: ${work.question}`
  let gate: PromiseWithResolvers | undefined
  return {
    models,
    works,
    say(text) {
      answer = typeof text === 'string' ? () => text : text
    },
    hold() {
      gate ??= withResolvers()
    },
    release() {
      gate?.resolve()
      gate = undefined
    },
    fail: (error) => failures.push(error),
    async run(work, { signal, onProgress, onText }): Promise<EngineResult> {
      works.push(work)
      onProgress({ stage: 'decode', done: 1, total: 4 })
      await unlessAborted(gate?.promise ?? Promise.resolve(), signal)
      // What an engine opens is what may fail.
      if (work.video.type === 'file') await (await work.video.open()).close()
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      const frames = work.frames ?? 8
      if (work.question === undefined)
        return { text: '', durationSeconds: 90, frames, evidence: [], storyboard: undefined }
      const text = answer(work)
      onText(text)
      const evidence = [
        { timestampSeconds: 75, weight: 0.6, picture: PIXEL },
        { timestampSeconds: 12, weight: 0.3, picture: PIXEL },
      ]
      return { text, durationSeconds: 90, frames, evidence, storyboard: PIXEL }
    },
    check: async () => {},
    close: async () => {},
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

function withResolvers(): PromiseWithResolvers {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new CancelledError())
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject)
  })
}
