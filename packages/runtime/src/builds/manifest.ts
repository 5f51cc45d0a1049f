import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject } from '../checkpoint/fields.js'
import { type Layout, WEIGHTS_FILE } from './layout.js'

const VERSION = 1
const MANIFEST = 'manifest.json'

/** Weights that were prepared and are complete. */
export interface Build {
  /** What they were made of and how; see `buildKey`. */
  readonly key: string
  /** The checkpoint as it was asked for: an id, or a folder. */
  readonly model: string
  /** The checkpoint's folder, absolute. */
  readonly source: string
  readonly storage: string
  /** Folder of the build, absolute. */
  readonly folder: string
  readonly sizeBytes: number
}

/** What the manifest says beside the facts of a {@link Build}. */
interface Manifest extends Omit<Build, 'folder' | 'sizeBytes'> {
  readonly version: number
  readonly sizeBytes: number
  /** SHA-256 of each part, hex. */
  readonly parts: Readonly<Record<string, string>>
}

/** The complete build in a folder of builds; undefined where there is none, or one that was damaged. */
export async function findBuild(folder: string, key: string): Promise<Build | undefined> {
  const place = join(folder, key)
  const manifest = await readManifest(join(place, MANIFEST))
  if (manifest === undefined || manifest.key !== key) return undefined
  const size = await stat(join(place, WEIGHTS_FILE)).then(
    (facts) => (facts.isFile() ? facts.size : undefined),
    () => undefined,
  )
  if (size !== manifest.sizeBytes) return undefined
  const { model, source, storage, sizeBytes } = manifest
  return { key, model, source, storage, folder: place, sizeBytes }
}

/** Declares a build complete: the last step of making it. */
export async function completeBuild(
  build: Build,
  layout: Layout,
  hashes: ReadonlyMap<string, string>,
): Promise<void> {
  const { key, model, source, storage, folder, sizeBytes } = build
  const parts = Object.fromEntries([...layout.parts.keys()].map((name) => [name, hashes.get(name) ?? '']))
  const manifest: Manifest = { version: VERSION, key, model, source, storage, sizeBytes, parts }
  const draft = join(folder, `${MANIFEST}.${process.pid}~`)
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(manifest, null, 1)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, join(folder, MANIFEST))
}

/** Every complete build in a folder of builds. */
export async function listBuilds(folder: string): Promise<Build[]> {
  const keys = await readdir(folder).catch(() => [])
  const found = await Promise.all(keys.sort().map((key) => findBuild(folder, key)))
  return found.filter((build) => build !== undefined)
}

/** Removes a build. The manifest goes first, so that nothing half removed is used. */
export async function removeBuild({ folder }: Build): Promise<void> {
  await rm(join(folder, MANIFEST), { force: true })
  await rm(folder, { recursive: true, force: true })
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    const manifest: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (!isObject(manifest) || manifest.version !== VERSION) return undefined
    const { key, model, source, storage, sizeBytes } = manifest
    const texts = [key, model, source, storage]
    if (!texts.every((text) => typeof text === 'string') || typeof sizeBytes !== 'number') return undefined
    return manifest as unknown as Manifest
  } catch {
    return undefined
  }
}
