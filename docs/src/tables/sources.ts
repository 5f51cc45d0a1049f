import { markdownTable } from './markdown-table.js'
import type { Results } from './results.js'

/** Which run each table of quality comes from. */
export function sourceTable({ quality, otherSeed }: Results): string {
  const runs = [
    ['quality-8', quality[8]],
    ['quality-32', quality[32]],
    ['quality-64', quality[64]],
    ['quality-other-8', otherSeed[8]],
    ['quality-other-32', otherSeed[32]],
  ] as const
  const rows = runs.map(([name, { run }]) => {
    const [commit = '', dirty] = run.commit.split('-')
    const shown = dirty === undefined ? commit.slice(0, 7) : `${commit.slice(0, 7)}-${dirty}`
    return [`data/${name}.json`, shown, run.date.slice(0, 10), `${run.cpu}, ${run.cores} cores`, run.runtime]
  })
  return markdownTable(['results', 'commit', 'date', 'machine', 'runtime'], rows, 5)
}
