import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { VideoSource } from '@longtake/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Files } from './files.js'
import type { Question } from './question.js'
import { Store } from './store.js'

const LIMITS = { maxFileBytes: 100, mostFileBytes: 150 }
const DAY_MS = 24 * 60 * 60 * 1000

let folder: string
let now: number
let store: Store

const open = () => Store.open(folder, LIMITS, () => now)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-store-'))
  now = Date.parse('2026-11-21')
  store = await open()
})

afterEach(async () => {
  store.close()
  await rm(folder, { recursive: true, force: true })
})

function question(id: string, fields: Partial<Question> = {}): Question {
  return {
    id,
    revision: 0,
    kind: 'ask',
    userId: 'ada',
    userName: 'Ada',
    guildId: 'club',
    channelId: 'talks',
    video: { type: 'link', url: 'https://a.example/b.mp4' },
    text: 'What?',
    range: {},
    frames: null,
    model: 'm',
    language: 'en',
    hasStoryboard: true,
    place: { type: 'message', replyTo: id, messageId: null },
    ...fields,
  }
}

function source(bytes: number): VideoSource {
  return {
    name: 'file',
    size: async () => bytes,
    read: async (start, end) => new Uint8Array(end - start),
    close: async () => {},
  }
}

test('a question is taken once, found by its messages, and there after the process ended', async () => {
  expect(store.questions.add(question('1'))).toBe(true)
  expect(store.questions.add(question('1', { text: 'Other?' }))).toBe(false)
  store.questions.setPlace('1', { type: 'message', replyTo: '1', messageId: '10' })
  store.questions.addPart('1', '11')
  store.close()
  store = await open()
  for (const id of ['10', '11']) expect(store.questions.ofMessage(id)?.question.text).toBe('What?')
  expect(store.questions.open().map((it) => it.question.id)).toEqual(['1'])
  store.questions.end('1')
  expect(store.questions.open()).toEqual([])
})

test('an outcome of an earlier text does not count for an edited question', () => {
  store.questions.add(question('1'))
  store.questions.setOutcome('1', 0, { type: 'cancelled' })
  store.questions.setText('1', 'Edited?')
  expect(store.questions.get('1')).toMatchObject({
    outcome: null,
    question: { revision: 1, text: 'Edited?' },
  })
  store.questions.setOutcome('1', 0, { type: 'cancelled' })
  expect(store.questions.get('1')?.outcome).toBeNull()
  store.questions.setOutcome('1', 1, { type: 'cancelled' })
  expect(store.questions.get('1')?.outcome).toEqual({ type: 'cancelled' })
})

test('tokens are kept no longer than they are needed', () => {
  const place = {
    type: 'interaction',
    applicationId: 'a',
    token: 'secret',
    isAcknowledged: true,
    mayPost: true,
    messageId: '2',
  } as const
  store.questions.add(question('1', { place }))
  store.questions.end('1')
  expect(JSON.stringify(store.questions.get('1'))).not.toContain('secret')
})

test('what is counted is of the last hour and day, and of who asks', () => {
  store.questions.add(question('1'))
  store.questions.add(question('2', { userId: 'bob' }))
  now += DAY_MS / 2
  store.questions.add(question('3'))
  expect([
    store.questions.countHour('ada'),
    store.questions.countDay('club'),
    store.questions.countOpen('ada'),
  ]).toEqual([1, 3, 2])
  now += DAY_MS * 0.75
  expect(store.questions.countDay('club')).toBe(1)
})

test('what is not used for long is removed, with its pictures and files; what is open stays', async () => {
  store.questions.add(question('1'))
  store.questions.end('1')
  store.questions.addMessage('10', '1')
  store.questions.add(question('2'))
  await store.pictures.put('1', 'storyboard.png', new Uint8Array(3))
  await store.files.put('f', 'ada', source(10), new AbortController().signal)
  now += 8 * DAY_MS
  await store.sweep(7 * DAY_MS)
  expect(store.questions.get('1')).toBeUndefined()
  expect(store.questions.ofMessage('10')).toBeUndefined()
  expect(await store.pictures.get('1', 'storyboard.png')).toBeUndefined()
  expect(store.files.has('f')).toBe(false)
  expect(store.questions.get('2')).toBeDefined()
})

test('files are bounded one by one and together, and forgotten with their owner', async () => {
  const put = (name: string, bytes: number, owner = 'ada') =>
    store.files.put(name, owner, source(bytes), new AbortController().signal)
  await expect(put('large', 101)).rejects.toMatchObject({ code: 'VIDEO_TOO_LARGE' })
  await put('a', 100)
  await expect(put('b', 60, 'bob')).rejects.toMatchObject({ code: 'VIDEO_TOO_LARGE' })
  await put('b', 50, 'bob')
  store.questions.add(question('1'))
  expect(await store.forget('ada')).toEqual({ questions: 1, files: 1 })
  expect([store.files.has('a'), store.files.has('b')]).toEqual([false, true])
  await expect(store.files.source('a')).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' })
})

test('a file is the same one whatever the signature of its link', () => {
  const link = 'https://cdn.discordapp.com/attachments/1/2/a.mp4'
  expect(Files.nameOf(`${link}?ex=1&hm=2`)).toBe(Files.nameOf(`${link}?ex=3`))
  expect(Files.nameOf(link)).not.toBe(Files.nameOf(link.replace('/2/', '/3/')))
})
