import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  answering,
  type OpenAiServer,
  piece,
  refusing,
  startOpenAi,
  startStream,
} from '../packages/runtime/test/openai-server.js'
import { findBinary } from './support/binaries.js'
import { installPlain, type PlainInstall } from './support/plain-node.js'
import { demoFile, TINY } from './support/tiny-model.js'

const run = promisify(execFile)

const RUNTIMES = [
  { name: 'node', binary: process.execPath, flags: [] },
  { name: 'bun', binary: await findBinary('bun'), flags: ['run'] },
  { name: 'deno', binary: await findBinary('deno'), flags: ['run', '-A', '--node-modules-dir=manual'] },
] as const

/** Asks one question after the other, and prints what becomes of each; the last one is cancelled. */
const PROGRAM = `
import { load } from '@longtake/runtime'
const [id, guide, film, nobody] = process.argv.slice(2)
const said = []
const longtake = await load(id, { remote: { guide, sendFrames: 4 } })
const video = await longtake.watch(film)
for (const question of ['What caption is on the cyan circle?', 'refused', 'cut']) {
  const answer = video.ask(question)
  const told = ({ text, frames }) => [text, ...frames.flatMap(({ index, weight }) => (weight > 0 ? [index] : []))]
  said.push(await answer.then(told, ({ code }) => code))
}
const answer = video.ask('endless')
for await (const _ of answer) break
said.push(await answer.then(String, ({ code }) => code))
await longtake.close()
const lost = await load(nobody)
said.push(await lost.watch(film).then(String, ({ code, message }) => code + ': ' + message.split(' at ')[0]))
await lost.close()
console.log(JSON.stringify(said))
`

let install: PlainInstall
let server: OpenAiServer
let nobody = ''
beforeAll(async () => {
  install = await installPlain()
  await writeFile(join(install.folder, 'ask.mjs'), PROGRAM)
  server = await startOpenAi()
  const gone = await startOpenAi()
  nobody = `openai:${gone.url}#model`
  await gone[Symbol.asyncDispose]()
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await install?.remove()
})

test.each(RUNTIMES.filter(({ binary }) => binary !== undefined))(
  '$name: an answer, a refusal, a cut, a cancellation, and nobody there',
  async ({ binary, flags }) => {
    server.respond(
      answering('letter k'),
      refusing(401),
      (response) => {
        startStream(response)
        response.write(piece('a '))
        setTimeout(() => response.destroy(), 30)
      },
      (response) => {
        startStream(response)
        response.write(piece('and '))
      },
    )
    const words = [`openai:${server.url}#some/model`, TINY, demoFile('0000.mp4'), nobody]
    const { stdout } = await run(binary ?? '', [...flags, 'ask.mjs', ...words], { cwd: install.folder })
    expect(JSON.parse(stdout)).toEqual([
      ['letter k', 5, 25, 26, 27],
      'ENGINE_UNAVAILABLE',
      'ENGINE_CRASHED',
      'CANCELLED',
      'ENGINE_UNAVAILABLE: Nothing listens',
    ])
    await server.left
  },
)
