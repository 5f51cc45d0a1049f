import { dirname } from 'node:path'
import { publishedState } from './published.js'
import { ReleaseError } from './release-error.js'
import { attempt } from './run.js'
import type { Tarball } from './tarball.js'

export interface PublishOptions {
  /** Whether npm signs where the package was built; it can do so in a workflow of the repository only. */
  readonly provenance: boolean
  /** `true` publishes nothing. */
  readonly dryRun: boolean
  /** Says which registry; that of this process unless given. */
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly onStep: (text: string) => void
}

/**
 * What the registry lacks, in the given order.
 *
 * @throws {ReleaseError} If nothing is lacking, or a version is there with other content.
 */
export async function unpublished(
  tarballs: readonly Tarball[],
  env: PublishOptions['env'] = process.env,
): Promise<readonly Tarball[]> {
  const states = await Promise.all(tarballs.map((tarball) => publishedState(tarball, env)))
  const changed = tarballs.filter((_, index) => states[index] === 'other').map(label)
  if (changed.length > 0) {
    throw new ReleaseError(
      `On the registry with other content: ${changed.join(', ')}. A version is never replaced: describe the change by \`npx changeset\`, then run \`npm run version-packages\`.`,
    )
  }
  const missing = tarballs.filter((_, index) => states[index] === 'missing')
  if (missing.length === 0) {
    throw new ReleaseError(
      'Every version is on the registry: there is nothing to release. Run `npm run version-packages` first.',
    )
  }
  return missing
}

/**
 * Publishes one package after the other, so that none is there before those that it depends on.
 *
 * @throws {ReleaseError} If the registry takes one of them not. Those before it stay published; run again, what is
 *   there is left out.
 */
export async function publishAll(tarballs: readonly Tarball[], options: PublishOptions): Promise<void> {
  const { provenance, dryRun, onStep, env = process.env } = options
  for (const [index, tarball] of tarballs.entries()) {
    const args = ['publish', tarball.file, '--access=public', `--provenance=${provenance}`]
    const { code, stderr } = await attempt('npm', dryRun ? [...args, '--dry-run'] : args, {
      cwd: dirname(tarball.file),
      env,
    })
    if (code !== 0) {
      throw new ReleaseError(
        `${label(tarball)} could not be published, after ${index} of ${tarballs.length}. Mend this and run the same command again; it goes on from here.\n${stderr.trim()}`,
      )
    }
    onStep(`${label(tarball)} ${dryRun ? 'would be published' : 'is published'}`)
  }
}

export function label({ name, manifest }: Tarball): string {
  return `${name}@${manifest.version}`
}
