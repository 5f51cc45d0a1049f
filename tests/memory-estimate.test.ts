import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installPlain, type PlainInstall } from './support/plain-node.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

let install: PlainInstall
beforeAll(async () => {
  install = await installPlain()
})
afterAll(() => install?.remove())

const [checkpoint, film] = ['../packages/tiny/checkpoint', 'data/demo/0001.mp4'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

/** A process of its own, so that nothing but the model is in its memory. */
const program = `
  import { estimateMemory, load, readSpec } from '@longtake/runtime'
  const [checkpoint, film] = ${JSON.stringify([checkpoint, film])}
  const model = await readSpec(checkpoint)
  const longtake = await load(checkpoint)
  const video = await longtake.watch(film, { frames: 64 })
  await video.ask('Which shape is at the start of the video?')
  const estimated = estimateMemory(model, video.plan).peak
  console.log(JSON.stringify({ estimated, measured: process.resourceUsage().maxRSS * 1024 }))
  await longtake.close()
`

test('memory of the embedded model is estimated within a quarter of what a process takes', async () => {
  const folder = temporaryPath('home')
  await mkdir(folder)
  const { stdout } = await install.run(program, { HOME: folder, TMPDIR: folder })
  const { estimated, measured } = JSON.parse(stdout)
  expect(estimated / measured).toBeGreaterThan(0.8)
  expect(estimated / measured).toBeLessThan(1.25)
})
