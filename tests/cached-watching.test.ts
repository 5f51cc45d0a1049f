import { mkdir, readdir } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCheckpoint, writeCheckpoint } from '../packages/runtime/test/random-checkpoint.js'
import { film, filmBytes } from './support/films.js'
import { withoutPermission } from './support/permission.js'
import { installPlain, type PlainInstall } from './support/plain-node.js'
import { openRandomModel, SEED } from './support/random-model.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const SIZES = { imageSize: 32, guide: true } as const
const QUESTION = 'what is the first colour ?'
const FROM_CACHE = /came from the cache/

let install: PlainInstall
let checkpoint: string

beforeAll(async () => {
  install = await installPlain()
  checkpoint = (await writeCheckpoint(makeCheckpoint(SIZES, SEED))).folder
})

afterAll(() => install?.remove())

interface Told {
  readonly text: string
  readonly notes: string
}

/** A program of its own that watches a film with the cache, and asks. */
async function runProgram(): Promise<Told> {
  const home = temporaryPath('home')
  await mkdir(home, { recursive: true })
  const { stdout, stderr } = await install.run(
    `
    import { load } from '@longtake/runtime'
    const longtake = await load(${JSON.stringify(checkpoint)}, { threads: 1, cache: true })
    const options = { frames: 16, pooling: { method: 'guided', kernel: [2, 2, 2] } }
    const video = await longtake.watch(${JSON.stringify(film('h264.mp4'))}, options)
    const { text } = await video.ask(${JSON.stringify(QUESTION)}, { maxTokens: 6 })
    await longtake.close()
    console.log(JSON.stringify({ text, notes: video.plan.notes.join(' ') }))
  `,
    { HOME: home, LONGTAKE_CACHE: temporaryPath('cache'), TMPDIR: home },
  )
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

test('what one program encoded another one answers from; several at once do not trouble each other', async () => {
  const together = await Promise.all([runProgram(), runProgram()])
  const later = await runProgram()
  expect(later.notes).toMatch(FROM_CACHE)
  expect(new Set([...together, later].map(({ text }) => text)).size).toBe(1)
  expect(await readdir(temporaryPath('cache'))).toHaveLength(1)
})

test('what a program that was killed had begun is neither used nor left', async () => {
  const folder = temporaryPath('killed')
  const program = (onProgress: string) =>
    install.run(
      `
      import { load } from '@longtake/runtime'
      const cache = { folder: ${JSON.stringify(folder)} }
      const longtake = await load(${JSON.stringify(checkpoint)}, { threads: 1, cache })
      const options = { frames: 16, pooling: 'guided', onProgress: ${onProgress} }
      const video = await longtake.watch(${JSON.stringify(film('h264.mp4'))}, options)
      const { text } = await video.ask(${JSON.stringify(QUESTION)}, { maxTokens: 6 })
      console.log(JSON.stringify({ text, notes: video.plan.notes.join(' ') }))
      await longtake.close()
    `,
      { HOME: folder, TMPDIR: temporaryPath() },
    )
  const kill =
    "({ stage, done }) => { if (stage === 'encode' && done > 0) process.kill(process.pid, 'SIGKILL') }"
  await expect(program(kill)).rejects.toMatchObject({ signal: 'SIGKILL' })
  expect(await readdir(folder)).toEqual([expect.stringMatching(/\.part$/)])
  const first: Told = JSON.parse((await program('undefined')).stdout)
  expect(first.notes).not.toMatch(FROM_CACHE)
  expect(await readdir(folder)).toEqual([expect.stringMatching(/\.features$/)])
  const second: Told = JSON.parse((await program('undefined')).stdout)
  expect(second.notes).toMatch(FROM_CACHE)
  expect(second.text).toBe(first.text)
})

test('a folder that may only be read, or not at all, costs a note', async () => {
  const folder = temporaryPath('locked')
  await mkdir(folder)
  const { longtake } = await openRandomModel({ sizes: SIZES, load: { cache: { folder } } })
  const bytes = await filmBytes('h264.mp4')
  const watch = async (): Promise<Told> => {
    await using video = await longtake.watch(bytes, { frames: 8, pooling: 'guided' })
    const { text } = await video.ask(QUESTION, { maxTokens: 4 })
    return { text, notes: video.plan.notes.join(' ') }
  }
  try {
    const unread = await withoutPermission(folder, watch)
    expect(unread.notes).toMatch(/cache was not used/)
    const unwritten = await withoutPermission(folder, watch, 0o555)
    expect(unwritten.notes).toMatch(/cache was not used/)
    const kept = await watch()
    expect(kept.notes).not.toMatch(/cache was not used/)
    expect((await watch()).notes).toMatch(FROM_CACHE)
    expect(new Set([unread.text, unwritten.text, kept.text]).size).toBe(1)
  } finally {
    await longtake.close()
  }
})
