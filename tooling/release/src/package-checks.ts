import { parseArgs } from 'node:util'
import { checkPackages, checkTable } from './check-packages.js'

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const rows = await checkPackages(process.cwd())
process.stdout.write(values.json ? `${JSON.stringify({ rows }, null, 2)}\n` : `${checkTable(rows)}\n`)
process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1
