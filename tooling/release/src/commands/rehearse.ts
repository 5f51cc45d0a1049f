import { parseArgs } from 'node:util'
import { type RehearsalStep, rehearse } from '../rehearsal.js'

/** `rehearse [--json]` @returns Whether every step went well. */
export async function rehearseRelease(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  const show = (step: RehearsalStep) => void process.stderr.write(`${line(step)}\n`)
  const rows = await rehearse(process.cwd(), show)
  process.stdout.write(
    values.json ? `${JSON.stringify({ rows }, null, 2)}\n` : `${rows.map(line).join('\n')}\n`,
  )
  return rows.every(({ ok }) => ok)
}

function line({ step, ok, seconds, seen }: RehearsalStep): string {
  return `${ok ? '✓' : '✗'} ${step} (${seconds} s): ${seen}`
}
