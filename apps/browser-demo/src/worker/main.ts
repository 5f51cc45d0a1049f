import type { Longtake, WatchedVideo } from '@longtake/runtime/web'
import { load, mattered } from '@longtake/runtime/web'
import type { Asked, Evidence, Told, WatchedFacts } from '../messages.js'
import { wasmBytes } from './wasm-memory.js'

/** Frames that are watched; the miniature was trained on videos of so many. */
const FRAMES = 64

/** Of the checkpoint's folder. */
let address = ''
/** Loading the model is not ended but left unused. */
const STOPPED: Told = { kind: 'failed', code: 'CANCELLED', message: 'It was stopped.' }

let model: Promise<Longtake> | undefined
let video: WatchedVideo | undefined
let working: AbortController | undefined

self.onmessage = ({ data }: MessageEvent<Asked>) => {
  if (data.kind === 'stop') working?.abort()
  else void work(data)
}

function tell(told: Told): void {
  self.postMessage(told)
}

async function work(asked: Exclude<Asked, { kind: 'stop' }>): Promise<void> {
  const stop = new AbortController()
  working = stop
  try {
    if (asked.kind === 'load') {
      address = asked.checkpoint
      await loaded()
      tell(stop.signal.aborted ? STOPPED : { kind: 'loaded' })
    } else if (asked.kind === 'watch') {
      const facts = await watch(asked.video, stop.signal)
      tell({ kind: 'watched', facts, wasmBytes: wasmBytes() })
    } else tell({ kind: 'answered', evidence: await ask(asked.question, stop.signal) })
  } catch (error) {
    const { code = 'UNKNOWN', message } = error as Error & { code?: string }
    tell({ kind: 'failed', code, message })
  }
}

/** The model, loaded once. A failure is not kept, so that the next attempt can go better. */
function loaded(): Promise<Longtake> {
  model ??= load(address, {
    onProgress: ({ doneBytes, totalBytes }) =>
      tell({ kind: 'step', step: { stage: 'load', done: doneBytes, total: totalBytes } }),
  }).catch((error: unknown) => {
    model = undefined
    throw error
  })
  return model
}

async function watch(file: Blob, signal: AbortSignal): Promise<WatchedFacts> {
  await video?.close()
  video = undefined
  const longtake = await loaded()
  video = await longtake.watch(file, {
    frames: FRAMES,
    signal,
    onProgress: ({ stage, done, total }) => tell({ kind: 'step', step: { stage, done, total } }),
  })
  const { durationSeconds, width, height } = video.facts
  return { durationSeconds, width, height, frames: video.timestamps.length }
}

async function ask(question: string, signal: AbortSignal): Promise<Evidence> {
  if (video === undefined) throw new Error('No video has been watched.')
  const begin = performance.now()
  const answer = video.ask(question, { signal })
  for await (const text of answer) tell({ kind: 'text', text })
  const { text, frames, notes } = await answer
  const seconds = (performance.now() - begin) / 1000
  const weights = frames.map(({ weight }) => weight)
  const shown = []
  const marked = new Set(mattered(weights))
  for (const { index, timestamp, weight } of frames.filter((frame) => marked.has(frame.index))) {
    shown.push({ seconds: timestamp, weight, picture: owned(await video.thumbnail(index)) })
  }
  return { text, weights, frames: shown, storyboard: owned(await video.storyboard()), notes, seconds }
}

/** Files are in memory of their own, which can be sent. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes)
}
