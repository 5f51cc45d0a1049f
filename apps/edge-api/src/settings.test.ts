import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { environment as gatewaySettings } from './gateway/config.js'
import { environment as serverSettings } from './node/config.js'

/** The rows of a table below a heading, whose first cells name settings without their prefix. */
async function documented(heading: string): Promise<{ name: string; byDefault: string }[]> {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const section = readme.slice(readme.indexOf(`\n${heading}\n`))
  const lines = section.slice(section.indexOf('| `LONGTAKE_…`')).split('\n\n')[0]?.split('\n') ?? []
  return lines.slice(2).flatMap((line) => {
    const [, names = '', defaults = ''] = line.split(/(?<!\\)\|/)
    return names.split(',').map((name, at) => ({
      name: `LONGTAKE_${name.trim().replaceAll('`', '')}`,
      byDefault: (defaults.split(/, /)[at] ?? '').trim().replaceAll('`', ''),
    }))
  })
}

test.each([
  ['## Configuration', serverSettings],
  ['### Gateway', gatewaySettings],
])('%s names every setting there is, and no other', async (heading, schema) => {
  const names = (await documented(heading)).map(({ name }) => name)
  expect([...names].sort()).toEqual(Object.keys(schema.shape).sort())
})

test.each([
  ['## Configuration', serverSettings],
  ['### Gateway', gatewaySettings],
])('%s says the defaults of numbers as they are', async (heading, schema) => {
  const needed = {
    LONGTAKE_UPSTREAM: 'https://example.com',
    LONGTAKE_UPSTREAM_KEY: 'x',
    LONGTAKE_KEYS: `ann:${'0'.repeat(64)}`,
  }
  const defaults: Record<string, unknown> = schema.parse(heading === '### Gateway' ? needed : {})
  const told = Object.fromEntries((await documented(heading)).map((it) => [it.name, it.byDefault]))
  const numbers = Object.entries(defaults).filter(([, value]) => typeof value === 'number')
  expect(numbers.length).toBeGreaterThan(5)
  for (const [name, value] of numbers)
    expect(`${name} ${told[name]?.replaceAll(',', '')}`).toBe(`${name} ${value}`)
})

test('the example for containers sets nothing that is not there', async () => {
  const example = await readFile(new URL('../../../.env.example', import.meta.url), 'utf8')
  const set = [...example.matchAll(/^(LONGTAKE_\w+)=/gm)].map(([, name]) => name)
  expect(set.length).toBeGreaterThan(2)
  expect(Object.keys(serverSettings.shape)).toEqual(expect.arrayContaining(set))
})
