import { readFile } from 'node:fs/promises'
import { EngineError } from '@longtake/core'
import { askStreamed } from './client.js'
import { type FileServer, serveBytes } from './file-server.js'
import type { ApiServer } from './server.js'

const FILM = new URL('../../../../tests/data/demo/0000.mp4', import.meta.url)

/** Questions about the film, as its model was taught to answer. */
const TEXTS = [
  'Which shape is at the start of the video?',
  'What is the first colour?',
  'What is the last colour?',
  'Which shape is at the end of the video?',
]

/** A film on loopback under as many addresses as one likes, and questions about it. */
export interface Questions extends AsyncDisposable {
  /** @param number - The same one asks the same. */
  text(number: number): string
  /** Address of the film; another number is another film to the server. */
  film(number: number): string
  /** What the server has to answer, learnt from it before anything goes wrong. */
  learn(server: ApiServer, key?: string): Promise<void>
  /** The same from whoever answers. @param ask - Asks one of the questions about the film 0; called for all at once. */
  learnFrom(ask: (number: number) => Promise<string>): Promise<void>
  /** Whether this is the right answer. */
  isRight(number: number, answer: string): boolean
  answer(number: number): string
}

export async function openQuestions(): Promise<Questions> {
  const bytes = await readFile(FILM)
  const files: FileServer = await serveBytes((path) => (path.startsWith('/film') ? bytes : undefined))
  const right: string[] = []
  const film = (number: number): string => `${files.url}/film-${number}.mp4`
  const at = (number: number): number => number % TEXTS.length
  const learnFrom = async (ask: (number: number) => Promise<string>): Promise<void> => {
    right.push(...(await Promise.all(TEXTS.map((_, number) => ask(number)))))
  }
  return {
    text: (number) => TEXTS[at(number)] ?? '',
    film,
    async learn(server, key) {
      for (const text of TEXTS) right.push(await askServer(server, film(0), text, key))
    },
    learnFrom,
    isRight: (number, answer) => answer === right[at(number)],
    answer: (number) => right[at(number)] ?? '',
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  }
}

async function askServer(server: ApiServer, video: string, text: string, key?: string): Promise<string> {
  const { isDone, text: answer, failure } = await askStreamed(server, { video, text, key })
  if (isDone && answer !== '') return answer
  throw new EngineError('ENGINE_FAILED', `The server does not answer: ${failure ?? 'it broke off'}.`)
}
