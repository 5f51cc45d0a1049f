import { readFile } from 'node:fs/promises'
import { isLongtakeError } from '@longtake/core'
import { expect, test } from 'vitest'

const SENTENCE = /runs on Node, Bun and Deno.*@longtake\/runtime\/web/

interface Entry {
  readonly '@longtake/source': string
  readonly browser?: string
}

async function entriesForNode(): Promise<string[]> {
  const { exports } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  return Object.values(exports as Record<string, Entry | string>).flatMap((entry) =>
    typeof entry === 'object' && entry.browser !== undefined ? [entry['@longtake/source']] : [],
  )
}

test('the entry of browsers and Workers refuses with a sentence', async () => {
  const refusal = await import('./elsewhere.js').catch((error: unknown) => error)
  expect(isLongtakeError(refusal)).toBe(true)
  expect(String(refusal)).toMatch(SENTENCE)
})

test('it has every name of the entries that it stands for, so that an import comes as far as the sentence', async () => {
  const source = await readFile(new URL('./elsewhere.ts', import.meta.url), 'utf8')
  const [, list = ''] = /export const \{([^}]*)\}/.exec(source) ?? []
  const named = new Set(list.match(/\w+/g))
  const entries = await entriesForNode()
  expect(entries.length).toBeGreaterThan(3)
  for (const entry of entries) {
    const names = Object.keys(await import(new URL(`../${entry}`, import.meta.url).href))
    expect(
      names.filter((name) => !named.has(name)),
      entry,
    ).toEqual([])
  }
})
