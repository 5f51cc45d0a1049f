import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const FENCE = /```ts\n([\s\S]*?)```\s+prints\s+```\n([\s\S]*?)```/

test('the program in the README prints what the README says', async () => {
  const [, source = '', printed = ''] = FENCE.exec(await readFile(README, 'utf8')) ?? []
  const weights = createRequire(import.meta.url).resolve('@longtake/tiny/checkpoint/model.safetensors')
  // Beside the sources, where the package finds itself by its name.
  const folder = await mkdtemp(join(fileURLToPath(new URL('..', import.meta.url)), 'readme-'))
  const lines: string[] = []
  const log = console.log
  console.log = (...words: unknown[]) => lines.push(words.join(' '))
  try {
    const path = join(folder, 'example.ts')
    await writeFile(path, source.replace("'model.safetensors') //", `${JSON.stringify(weights)}) //`))
    await import(pathToFileURL(path).href)
  } finally {
    console.log = log
    await rm(folder, { recursive: true, force: true })
  }
  expect(source).toContain("from '@longtake/kernels'")
  expect(lines).toEqual(printed.trimEnd().split('\n'))
})
