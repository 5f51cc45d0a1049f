import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const FENCE = /```ts\n([\s\S]*?)```\s+prints\s+ {4}(.*)\n/

test('the program in the README prints what the README says', async () => {
  const [, source = '', printed = ''] = FENCE.exec(await readFile(README, 'utf8')) ?? []
  // Beside the sources, where the package finds itself by its name.
  const folder = await mkdtemp(join(fileURLToPath(new URL('..', import.meta.url)), 'readme-'))
  const lines: string[] = []
  const log = console.log
  console.log = (...words: unknown[]) => lines.push(words.join(' '))
  try {
    const path = join(folder, 'example.ts')
    await writeFile(path, source)
    await import(pathToFileURL(path).href)
  } finally {
    console.log = log
    await rm(folder, { recursive: true, force: true })
  }
  expect(source).toContain("from '@longtake/discord-stand-in'")
  expect(lines).toEqual([printed])
})
