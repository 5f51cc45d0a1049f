import { needleTable, peersTable, poolingTable } from './performance.js'
import {
  cacheTable,
  costTable,
  kindTable,
  layoutTable,
  lengthTable,
  methodTable,
  otherSeedTable,
  ropeTable,
} from './quality.js'
import type { Results } from './results.js'
import { sourceTable } from './sources.js'

/** Documents with tables that are made of results. */
export const DOCUMENTS = ['performance.md', 'quality.md'] as const

const TABLES: Readonly<Record<string, (results: Results) => string>> = {
  needle: needleTable,
  pooling: poolingTable,
  peers: peersTable,
  sources: sourceTable,
  length: lengthTable,
  layout: layoutTable,
  rope: ropeTable,
  cache: cacheTable,
  method: methodTable,
  cost: costTable,
  kinds: kindTable,
  'other-seed': otherSeedTable,
}

/** A document with each `<!-- table: NAME -->` … `<!-- end -->` filled anew. */
export function fillTables(text: string, results: Results): string {
  return text.replaceAll(
    /(<!-- table: (\S+) -->\n\n)[\s\S]*?(\n\n<!-- end -->)/g,
    (_all, start, name, end) => {
      const make = TABLES[name]
      if (make === undefined) throw new Error(`There is no table “${name}”.`)
      return `${start}${make(results)}${end}`
    },
  )
}
