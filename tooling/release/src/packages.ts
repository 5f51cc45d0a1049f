import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Manifest, readManifest } from './manifest.js'
import { ReleaseError } from './release-error.js'

export interface PublishedPackage {
  readonly name: string
  /** Relative to the repository, such as `packages/core`. */
  readonly directory: string
  readonly folder: string
  readonly manifest: Manifest
}

/** Packages of the repository at `root` that are published, each after those that it depends on. */
export async function publishedPackages(root: string): Promise<readonly PublishedPackage[]> {
  const { workspaces = [] } = await readManifest(root)
  const directories = (await Promise.all(workspaces.map((pattern) => expand(root, pattern)))).flat()
  const all = await Promise.all(
    directories.map(async (directory) => {
      const manifest = await readManifest(join(root, directory))
      return { name: manifest.name, directory, folder: join(root, directory), manifest }
    }),
  )
  return dependenciesFirst(all.filter(({ manifest }) => manifest.private !== true))
}

async function expand(root: string, pattern: string): Promise<readonly string[]> {
  if (!pattern.endsWith('/*')) return [pattern]
  const parent = pattern.slice(0, -2)
  const entries = await readdir(join(root, parent), { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return names.toSorted().map((name) => `${parent}/${name}`)
}

function dependenciesFirst(packages: readonly PublishedPackage[]): readonly PublishedPackage[] {
  const waiting = new Map(packages.map((item) => [item.name, item]))
  const ordered: PublishedPackage[] = []
  while (waiting.size > 0) {
    const ready = [...waiting.values()].filter(({ manifest }) =>
      Object.keys(manifest.dependencies ?? {}).every((name) => !waiting.has(name)),
    )
    if (ready.length === 0) {
      throw new ReleaseError(
        `These packages depend on each other in a circle: ${[...waiting.keys()].join(', ')}`,
      )
    }
    for (const item of ready) waiting.delete(item.name)
    ordered.push(...ready)
  }
  return ordered
}
