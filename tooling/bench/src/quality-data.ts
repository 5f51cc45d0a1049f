import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import { isRecord, parseJson, requireField } from './json.js'

/** One question with its one right answer. */
export interface Question {
  readonly kind: string
  readonly text: string
  readonly answer: string
}

export interface QuizVideo {
  /** Path of the video. */
  readonly path: string
  readonly questions: readonly Question[]
}

/** A folder of videos and questions, as `tooling/train/render.py` writes it. */
export interface QuizData {
  readonly seed: unknown
  readonly shots: unknown
  readonly heldOutPhrasings: boolean
  readonly videos: readonly QuizVideo[]
}

/**
 * Reads `questions.json`.
 *
 * @throws {InvalidOptionError} If it is missing or not of that form.
 */
export async function readQuiz(folder: string): Promise<QuizData> {
  const path = join(folder, 'questions.json')
  const document = parseJson(await readOrRefuse(path), path)
  const videos = requireField(document, 'videos', isFilledList, path).map((item, index) => {
    const where = `${path}: videos[${index}]`
    const questions = requireField(item, 'questions', isList, where)
    return {
      path: join(folder, requireField(item, 'file', isText, where)),
      questions: questions.map((question, number) => readQuestion(question, `${where}.questions[${number}]`)),
    }
  })
  const { seed, shots, heldOutPhrasings } = isRecord(document) ? document : {}
  return { seed, shots, heldOutPhrasings: heldOutPhrasings === true, videos }
}

/** Whether an answer is exactly right, but for case and the space around it. */
export function isRight(answer: string, { answer: expected }: Question): boolean {
  return fold(answer) === fold(expected)
}

/** Whether the beginning of an answer can still become the right one. */
export function canBecomeRight(beginning: string, { answer: expected }: Question): boolean {
  return fold(expected).startsWith(fold(beginning))
}

function fold(text: string): string {
  return text.trim().toLowerCase()
}

function readQuestion(item: unknown, where: string): Question {
  return {
    kind: requireField(item, 'kind', isText, where),
    text: requireField(item, 'text', isText, where),
    answer: requireField(item, 'answer', isText, where),
  }
}

async function readOrRefuse(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    const wanted = 'a folder made by tooling/train/render.py'
    throw new InvalidOptionError('--data', wanted, `${path}, which cannot be read`, { cause })
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function isFilledList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0
}
