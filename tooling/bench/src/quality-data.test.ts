import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { canBecomeRight, isRight, readQuiz } from './quality-data.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-quiz-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function quizOf(document: unknown) {
  const text = typeof document === 'string' ? document : JSON.stringify(document)
  await writeFile(join(folder, 'questions.json'), text)
  return readQuiz(folder)
}

const question = { kind: 'number', text: 'What number?', answer: '7' }

test('reads what the renderer writes', async () => {
  const quiz = await quizOf({
    seed: 3,
    shots: 8,
    heldOutPhrasings: true,
    videos: [{ file: '0000.mp4', trend: 'left', shots: [], questions: [question] }],
  })
  expect(quiz).toEqual({
    seed: 3,
    shots: 8,
    heldOutPhrasings: true,
    videos: [{ path: join(folder, '0000.mp4'), questions: [question] }],
  })
})

test.each<[string, unknown]>([
  ['no JSON', 'not json'],
  ['null', null],
  ['no videos', { seed: 1 }],
  ['an empty list', { videos: [] }],
  ['a video without a file', { videos: [{ questions: [question] }] }],
  ['a video without questions', { videos: [{ file: 'a.mp4' }] }],
  ['a question without an answer', { videos: [{ file: 'a.mp4', questions: [{ kind: 'a', text: 'b' }] }] }],
  ['a number for an answer', { videos: [{ file: 'a.mp4', questions: [{ ...question, answer: 7 }] }] }],
])('refuses %s', async (_, document) => {
  await expect(quizOf(document)).rejects.toThrow(InvalidOptionError)
})

test('names a folder without questions', async () => {
  await expect(readQuiz(join(folder, 'missing'))).rejects.toThrow('questions.json')
})

test('answers are right exactly, but for case and space around them', () => {
  const expected = { ...question, answer: 'Red square' }
  for (const text of ['red square', ' Red Square\n']) expect(isRight(text, expected)).toBe(true)
  for (const text of ['', 'red', 'red square.', 'red  square', 'a red square'])
    expect(isRight(text, expected)).toBe(false)
})

test('a beginning is left only when it cannot become right', () => {
  const expected = { ...question, answer: 'red square' }
  const text = ' Red Square '
  for (let length = 0; length <= text.length; length++)
    expect(canBecomeRight(text.slice(0, length), expected)).toBe(true)
  for (const wrong of ['blue', 'red circle', 'red square and'])
    expect(canBecomeRight(wrong, expected)).toBe(false)
})
