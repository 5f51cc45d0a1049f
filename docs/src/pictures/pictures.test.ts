import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DOCS } from '../paths.js'
import { PICTURES } from './index.js'

test.each(Object.entries(PICTURES))('%s is what the code draws', async (name, draw) => {
  const stored = await readFile(join(DOCS, 'images/methods', name), 'utf8')
  expect(draw() === stored, 'npm run docs draws it anew').toBe(true)
})
