import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { installed, LIBRARY } from '../install.js'
import type { Place } from '../place.js'
import type { Check } from '../row.js'

const names = { runtime: 'node 20', manager: 'npm' }

/** What `npm install @longtake/runtime @longtake/tiny` takes: first with an empty cache of npm's, then again. */
export const installChecks: readonly Check[] = [
  { ...names, check: 'install of runtime and tiny, cold', run: (place) => measure(place, 'cold') },
  { ...names, check: 'install of runtime and tiny, warm', run: (place) => measure(place, 'warm') },
]

async function measure(place: Place, name: string): Promise<string> {
  const start = performance.now()
  const project = await installed(place, 'npm', `install-${name}`, LIBRARY)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const bytes = await sizeOf(join(project.folder, 'node_modules'))
  const packages = JSON.parse(await project.run('npm', ['query', '*'])) as unknown[]
  return `${(bytes / 1e6).toFixed(0)} MB in ${packages.length - 1} packages, ${seconds} s`
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size
  }
  return bytes
}
