import { dirname } from 'node:path'
import { ReleaseError } from './release-error.js'
import { attempt, type RunOptions } from './run.js'
import { filesOf, type Tarball } from './tarball.js'

/** Whether a registry has this very package: `other` content under the same version can never be replaced. */
export type Published = 'missing' | 'same' | 'other'

/**
 * Compares a package with what the registry that npm is set to has under its name and version. Files are compared, not
 * archives: compression differs between versions of Node.
 */
export async function publishedState(tarball: Tarball, env: RunOptions['env']): Promise<Published> {
  const url = await publishedTarball(tarball, env)
  if (url === undefined) return 'missing'
  const response = await fetch(url)
  if (!response.ok) throw new ReleaseError(`${url} answers ${response.status}; try again.`)
  const files = await filesOf(new Uint8Array(await response.arrayBuffer()))
  return isSame(tarball.files, files) ? 'same' : 'other'
}

async function publishedTarball(
  { name, manifest, file }: Tarball,
  env: RunOptions['env'],
): Promise<string | undefined> {
  const args = ['view', `${name}@${manifest.version}`, 'dist.tarball', '--json', '--prefer-online']
  const { code, stdout, stderr } = await attempt('npm', args, { cwd: dirname(file), env })
  if (code !== 0) {
    if (stdout.includes('E404') || stderr.includes('E404')) return undefined
    throw new ReleaseError(`The registry cannot be asked for ${name}:\n${stderr.trim()}`)
  }
  // Nothing where the package is there and the version is not.
  const url: unknown = stdout.trim() === '' ? undefined : JSON.parse(stdout)
  return typeof url === 'string' ? url : undefined
}

function isSame(ours: Tarball['files'], theirs: Tarball['files']): boolean {
  if (ours.size !== theirs.size) return false
  return [...ours].every(([path, data]) => {
    const other = theirs.get(path)
    return other !== undefined && Buffer.compare(data, other) === 0
  })
}
