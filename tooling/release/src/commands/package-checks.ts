import { parseArgs } from 'node:util'
import { checkPackages, checkTable } from '../check-packages.js'

/** `package-checks [--json]` @returns Whether all is well. */
export async function checkAll(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } })
  const rows = await checkPackages(process.cwd())
  process.stdout.write(values.json ? `${JSON.stringify({ rows }, null, 2)}\n` : `${checkTable(rows)}\n`)
  return rows.every(({ ok }) => ok)
}
