import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { loadWith } from '../../packages/runtime/src/engine/longtake.js'
import type { LoadOptions, Longtake } from '../../packages/runtime/src/index.js'
import { type Backend, openBackend } from '../../packages/runtime/src/ort/index.js'

/** Folder of the embedded checkpoint. */
export const TINY = fileURLToPath(new URL('../../packages/tiny/checkpoint', import.meta.url))

/** The embedded checkpoint, loaded. */
export interface TinyModel {
  readonly longtake: Longtake
  /** The back end that it runs on. */
  readonly backend: Backend
}

/** Loads the embedded checkpoint as `load` does, with a back end that can be looked at. */
export async function openTiny(options: LoadOptions = {}): Promise<TinyModel> {
  let opened: Backend | undefined
  const longtake = await loadWith(TINY, { threads: 1, ...options }, async (kind) => {
    opened = await openBackend(kind)
    return opened
  })
  if (opened === undefined) throw new Error('The model opened no back end.')
  return { longtake, backend: opened }
}

/** Path below `tests/data`. */
export function dataPath(path: string): string {
  return fileURLToPath(new URL(`../data/${path}`, import.meta.url))
}

/** Path of one of the videos that come with questions. */
export function demoFile(name: string): string {
  return dataPath(`demo/${name}`)
}

export interface DemoQuestion {
  readonly file: string
  /** What is asked for, such as `number` or `when`. */
  readonly kind: string
  readonly text: string
  readonly answer: string
  /** Shots that the answer rests on, of `shotCount` equally long ones; none where it is the whole video. */
  readonly shots: readonly number[]
  readonly shotCount: number
}

/** All questions about the demo's videos. */
export async function demoQuestions(): Promise<DemoQuestion[]> {
  const { videos } = JSON.parse(await readFile(demoFile('questions.json'), 'utf8')) as {
    videos: { file: string; shots: unknown[]; questions: Omit<DemoQuestion, 'file' | 'shotCount'>[] }[]
  }
  return videos.flatMap(({ file, shots, questions }) =>
    questions.map((question) => ({ ...question, file, shotCount: shots.length })),
  )
}
