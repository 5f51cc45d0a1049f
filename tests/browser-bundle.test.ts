import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bundleWeb } from './support/web-page.js'

/** Most bytes of the entry's own code, minified and compressed. */
const MAX_BYTES = 60_000

test('the browser entry reaches no built-in of Node and no native package', async () => {
  const files = await bundleWeb()
  for (const [name, code] of files) {
    expect(code, name).not.toMatch(/\bfrom\s*["']node:|\bimport\(\s*["'`]node:|\brequire\(["']node:/)
    expect(code, name).not.toMatch(/onnxruntime-node|node-av|koffi|worker_threads/)
  }
})

test('its own code stays small', async () => {
  const files = await bundleWeb((id) => /^[@a-z]/i.test(id) && !id.startsWith('@longtake/runtime'))
  const bytes = [...eager('longtake.js', files)].reduce(
    (sum, name) => sum + gzipSync(files.get(name) ?? '', { level: 9 }).length,
    0,
  )
  expect(bytes).toBeLessThan(MAX_BYTES)
})

/** What is loaded with an entry: it and what it imports, without what is imported when it is needed. */
function eager(entry: string, files: ReadonlyMap<string, string>, found = new Set<string>()): Set<string> {
  found.add(entry)
  for (const [, name = ''] of (files.get(entry) ?? '').matchAll(/(?:from|import)\s*["']\.\/([^"']+)["']/g))
    if (!found.has(name)) eager(name, files, found)
  return found
}
