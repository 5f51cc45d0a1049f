import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Registry } from './registry.js'

const run = promisify(execFile)
/** The output of npm's queries and publications. */
const MAX_OUTPUT_BYTES = 2 ** 26

export interface PublishedPackage {
  readonly name: string
  readonly version: string
}

/**
 * Packs every workspace that is not private as it lies there, built before, and publishes it.
 *
 * @param root - Folder of the repository, or of a copy of it.
 */
export async function publishWorkspaces(registry: Registry, root: string): Promise<PublishedPackage[]> {
  const packages = await publicWorkspaces(root)
  const names = packages.flatMap(({ name }) => ['--workspace', name])
  await npm(['publish', ...names, '--registry', registry.url, '--userconfig', registry.npmrc], root)
  return packages
}

/** What a release of the repository consists of. */
export async function publicWorkspaces(root: string): Promise<PublishedPackage[]> {
  const found = JSON.parse(await npm(['query', '.workspace'], root)) as (PublishedPackage & {
    private?: boolean
  })[]
  return found.filter((one) => one.private !== true).map(({ name, version }) => ({ name, version }))
}

async function npm(words: readonly string[], folder: string): Promise<string> {
  const { stdout } = await run('npm', words, { cwd: folder, maxBuffer: MAX_OUTPUT_BYTES })
  return stdout
}
