/**
 * Installs the packages of this repository from a registry, as their users do, and uses them.
 *
 * `--json` prints the rows for programs, `--only WORD` takes only those in which the word occurs, as often as given.
 */
import { parseArgs } from 'node:util'
import { CHECKS } from './checks/index.js'
import { openPlace } from './place.js'
import { type Check, type Row, runCheck } from './row.js'
import { table } from './table.js'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
  },
})
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())

const rows = await runChecks(CHECKS.filter(isWanted))
console.log(values.json ? JSON.stringify({ rows }) : table(rows))
process.exitCode = interrupted.signal.aborted || rows.some(({ ok }) => !ok) ? 1 : 0

function isWanted({ runtime, manager, check }: Check): boolean {
  const text = `${runtime} ${manager} ${check}`
  return values.only.every((word) => text.includes(word))
}

async function runChecks(checks: readonly Check[]): Promise<Row[]> {
  if (checks.length === 0) throw new Error(`No check has ${values.only.join(' and ')} in its name.`)
  await using place = await openPlace(interrupted.signal)
  const rows: Row[] = []
  for (const check of checks) {
    if (interrupted.signal.aborted) break
    process.stderr.write(`${check.runtime}, ${check.manager}: ${check.check} … `)
    const row = await runCheck(check, place)
    process.stderr.write(row.ok ? `${row.note ?? 'ok'} (${row.seconds} s)\n` : `FAILED\n${row.why}\n`)
    rows.push(row)
  }
  return rows
}
