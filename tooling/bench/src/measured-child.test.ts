import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseProcessStatus, runMeasured } from './measured-child.js'

const MIB = 2 ** 20
const hasProc = process.platform === 'linux'

let folder = ''
let program: URL
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-child-'))
  const path = join(folder, 'child.mjs')
  const source = `
    process.once('message', ({ bytes, fail }) => {
      if (fail) process.exit(3)
      const taken = Buffer.alloc(bytes, 1)
      setTimeout(() => process.send({ sum: taken[0] + taken[bytes - 1] }, () => process.disconnect()), 200)
    })`
  await writeFile(path, source)
  program = pathToFileURL(path)
})
afterAll(() => rm(folder, { recursive: true }))

test.runIf(hasProc)('sees what a process takes', async () => {
  const { value, memory } = await runMeasured<{ sum: number }>(program, { bytes: 300 * MIB }, 2 ** 40)
  expect(value).toEqual({ sum: 2 })
  for (const peak of [memory.peakBytes, memory.peakAnonymousBytes]) {
    expect(peak).toBeGreaterThan(300 * MIB)
    expect(peak).toBeLessThan(600 * MIB)
  }
  expect(memory.peakAnonymousBytes).toBeLessThanOrEqual(memory.peakBytes ?? 0)
  const { memory: little } = await runMeasured(program, { bytes: 1 }, 2 ** 40)
  expect(little.peakAnonymousBytes).toBeLessThan(300 * MIB)
})

test.runIf(hasProc)('stops a process that takes more than it may', async () => {
  const run = runMeasured(program, { bytes: 300 * MIB }, 200 * MIB)
  await expect(run).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
    message: expect.stringContaining('0.2 GB'),
  })
})

test('tells a process that fails by itself from one that was stopped', async () => {
  const run = runMeasured(program, { fail: true }, 2 ** 40)
  await expect(run).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
    message: expect.stringContaining('exit code 3'),
  })
})

test('reads the kernel’s lines', () => {
  const lines = ['VmHWM:\t  2048 kB', 'RssAnon:\t 1000 kB', 'RssFile:\t  500 kB', 'RssShmem:\t   24 kB']
  expect(parseProcessStatus(`Name:\tnode\n${lines.join('\n')}\nThreads:\t7\n`)).toEqual({
    peakBytes: 2048 * 1024,
    anonymousBytes: 1024 * 1024,
    fileBytes: 500 * 1024,
  })
  expect(parseProcessStatus('Name:\tnode\nState:\tZ (zombie)\n')).toBeUndefined()
})
