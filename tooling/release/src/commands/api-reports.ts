import { parseArgs } from 'node:util'
import { apiReports, reportProblems } from '../api-reports.js'

/** `api-reports [--write]` @returns Whether the committed reports say what the packages export. */
export async function reportApi(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({ args: [...args], options: { write: { type: 'boolean', default: false } } })
  const rows = await apiReports({ root: process.cwd(), write: values.write })
  const problems = reportProblems(values.write ? rows.map((row) => ({ ...row, changed: false })) : rows)
  for (const problem of problems) process.stdout.write(`${problem}\n`)
  process.stdout.write(`${rows.length} entries, ${problems.length} problems\n`)
  return problems.length === 0
}
