import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

type Exports = string | null | { readonly [key: string]: Exports }

/** What is read of a `package.json`. Nothing of it is checked yet: that is what the checks are for. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly workspaces?: readonly string[]
  readonly description?: string
  readonly keywords?: readonly string[]
  readonly homepage?: string
  readonly bugs?: string
  readonly repository?: { readonly url?: string; readonly directory?: string }
  readonly license?: string
  readonly author?: string
  readonly type?: string
  readonly sideEffects?: boolean | readonly string[]
  readonly engines?: Readonly<Record<string, string>>
  readonly types?: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Exports
  readonly files?: readonly string[]
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly publishConfig?: { readonly access?: string; readonly provenance?: boolean }
}

export async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
}

/** Every file that the manifest names for someone who installs it, such as `dist/index.js`; patterns are kept. */
export function namedFiles(manifest: Manifest): readonly string[] {
  const values = [manifest.types, ...Object.values(manifest.bin ?? {}), ...exportTargets(manifest.exports)]
  const files = values.flatMap((value) => (value === undefined ? [] : [value.replace(/^\.\//, '')]))
  return [...new Set(files)]
}

function exportTargets(exports: Exports | undefined): readonly string[] {
  if (exports === undefined || exports === null) return []
  if (typeof exports === 'string') return [exports]
  return Object.values(exports).flatMap(exportTargets)
}

/** Subpaths that are modules, such as `.` and `./link`, with the file that `import` finds. */
export function moduleEntries(manifest: Manifest): ReadonlyMap<string, string> {
  const { exports } = manifest
  const entries = new Map<string, string>()
  if (typeof exports !== 'object' || exports === null) return entries
  for (const [subpath, target] of Object.entries(exports)) {
    const file = typeof target === 'object' && target !== null ? target.default : undefined
    if (typeof file === 'string') entries.set(subpath, file.replace(/^\.\//, ''))
  }
  return entries
}
