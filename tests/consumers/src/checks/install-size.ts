import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { installed, LIBRARY, libraryProject, timed } from '../install.js'
import type { Project } from '../place.js'
import type { Check } from '../row.js'

const names = { runtime: 'node 20', manager: 'npm' }

/** What `npm install @longtake/runtime @longtake/tiny` takes: first with an empty cache of npm's, then again. */
export const installChecks: readonly Check[] = [
  {
    ...names,
    check: 'install of runtime and tiny, cold',
    run: async (place) => describe(await libraryProject(place)),
  },
  {
    ...names,
    check: 'install of runtime and tiny, warm',
    run: async (place) => describe(await timed(() => installed(place, 'npm', 'library-again', LIBRARY))),
  },
]

async function describe({ project, seconds }: { project: Project; seconds: number }): Promise<string> {
  const bytes = await sizeOf(join(project.folder, 'node_modules'))
  const packages = JSON.parse(await project.run('npm', ['query', '*'])) as unknown[]
  return `${(bytes / 1e6).toFixed(0)} MB in ${packages.length - 1} packages, ${seconds.toFixed(1)} s`
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size
  }
  return bytes
}
