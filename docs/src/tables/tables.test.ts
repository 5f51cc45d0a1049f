import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DOCS } from '../paths.js'
import { DOCUMENTS, fillTables } from './index.js'
import { markdownTable, percent } from './markdown-table.js'
import { readResults } from './results.js'

test.each(DOCUMENTS)('the tables of %s are those of the results', async (name) => {
  const text = await readFile(join(DOCS, name), 'utf8')
  expect(text.match(/<!-- table: /g)?.length).toBeGreaterThan(2)
  expect(fillTables(text, await readResults())).toBe(text)
})

test('a table that nobody makes is refused', async () => {
  const results = await readResults()
  expect(() => fillTables('<!-- table: none -->\n\n\n\n<!-- end -->', results)).toThrow('“none”')
})

test('words to the left, numbers to the right, halves up', () => {
  expect(markdownTable(['kind', 'n'], [['a', '10']], 1)).toBe(
    '| kind |   n |\n| ---- | --: |\n| a    |  10 |',
  )
  expect([percent(0.8125), percent(0.6625), percent(1), percent(undefined)]).toEqual([
    '81.3 %',
    '66.3 %',
    '100.0 %',
    '',
  ])
})
