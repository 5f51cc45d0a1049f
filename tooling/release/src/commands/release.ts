import { parseArgs } from 'node:util'
import { label } from '../publish.js'
import { release } from '../release.js'

/** `release [--dry-run] [--no-provenance]` */
export async function releaseAll(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      'dry-run': { type: 'boolean', default: false },
      provenance: { type: 'boolean', default: true },
    },
  })
  const dryRun = values['dry-run']
  const published = await release(process.cwd(), {
    dryRun,
    provenance: values.provenance,
    onStep: (text) => process.stderr.write(`${text}\n`),
  })
  const verb = dryRun ? 'Would be published' : 'Published'
  process.stdout.write(`${verb}: ${published.map(label).join(', ')}\n`)
  return true
}
