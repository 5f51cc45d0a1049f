import { mkdir, readdir } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCheckpoint, writeCheckpoint } from '../packages/runtime/test/random-checkpoint.js'
import { film } from './support/films.js'
import { installPlain, type PlainInstall } from './support/plain-node.js'
import { SEED } from './support/random-model.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

let install: PlainInstall
let checkpoint: string

beforeAll(async () => {
  install = await installPlain()
  checkpoint = (await writeCheckpoint(makeCheckpoint({}, SEED))).folder
})

afterAll(() => install?.remove())

const program = (body: string): string => `
  import { load } from '@longtake/runtime'
  const [checkpoint, film] = ${JSON.stringify([checkpoint, film('h264.mp4')])}
  ${body}
`

/** A home and a temporary folder that are empty, and nothing else of this machine's settings. */
async function emptySurroundings(name: string): Promise<{ folder: string; env: Record<string, string> }> {
  const folder = temporaryPath(name)
  await mkdir(folder)
  return { folder, env: { HOME: folder, USERPROFILE: folder, TMPDIR: folder, TEMP: folder, TMP: folder } }
}

test.each(['resident', 'portable'])(
  'a program on the %s back end ends by itself, silent and clean',
  async (kind) => {
    const { folder, env } = await emptySurroundings(kind)
    const { stdout, stderr } = await install.run(
      program(`
      const longtake = await load(checkpoint, { backend: '${kind}', threads: 1 })
      const video = await longtake.watch(film, { kvCache: 'int8' })
      const { text } = await video.ask('what is the first colour ?', { maxTokens: 4 })
      await longtake.close()
      console.log(JSON.stringify({ backend: longtake.backend.name, text }))
    `),
      env,
    )
    expect(JSON.parse(stdout)).toEqual({ backend: kind, text: expect.stringMatching(/\w/) })
    expect(stderr).toBe('')
    // Neither this program nor a library below it left a file: no device id, no cache, no log.
    expect(await readdir(folder, { recursive: true })).toEqual([])
  },
)

test.each([
  ['closes nothing', `await video.ask('what ?', { maxTokens: 3 })`],
  [
    'leaves in the middle of an answer',
    `video.ask('what is '.repeat(2000)); setTimeout(() => process.exit(0), 30)`,
  ],
])('a program that %s ends without a crash', async (_, end) => {
  const { folder, env } = await emptySurroundings(`abrupt-${end.length}`)
  const { stderr } = await install.run(
    program(`
      const longtake = await load(checkpoint)
      const video = await longtake.watch(film, { promptTokens: 5000 })
      ${end}
    `),
    env,
  )
  expect(stderr).toBe('')
  expect(await readdir(folder, { recursive: true })).toEqual([])
})

test('a program that is refused and cancelled all the way ends by itself too', async () => {
  const { folder, env } = await emptySurroundings('refused')
  const { stdout, stderr } = await install.run(
    program(`
      const code = (work) => Promise.resolve(work).then(() => 'fulfilled', (error) => error.code)
      const codes = [await code(load('./nowhere')), await code(load(checkpoint, { signal: AbortSignal.abort() }))]
      const longtake = await load(checkpoint, { threads: 1 })
      codes.push(await code(longtake.watch('missing.mp4')))
      const controller = new AbortController()
      const onProgress = ({ stage }) => { if (stage === 'prefill') controller.abort() }
      codes.push(await code(longtake.watch(film, { signal: controller.signal, onProgress })))
      const video = await longtake.watch(film)
      void video.ask('nobody waits for this')
      const answer = video.ask('what ?')
      answer.cancel()
      codes.push(await code(answer))
      const last = video.ask('what is the last colour ?')
      const closing = longtake.close()
      codes.push(await code(last), await code(closing), await code(longtake.watch(film)))
      console.log(codes.join(' '))
    `),
    env,
  )
  expect(stdout.trim().split(' ')).toEqual([
    'CHECKPOINT_NOT_FOUND',
    'CANCELLED',
    'VIDEO_NOT_FOUND',
    'CANCELLED',
    'CANCELLED',
    'ENGINE_CLOSED',
    'fulfilled',
    'ENGINE_CLOSED',
  ])
  expect(stderr).toBe('')
  expect(await readdir(folder, { recursive: true })).toEqual([])
})
