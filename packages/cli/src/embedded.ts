import { readdir, readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/** Checkpoints that come as packages with Longtake, each with a way to its manifest. */
const MANIFESTS = { '@longtake/tiny': () => require.resolve('@longtake/tiny/package.json') }

type EmbeddedModel = keyof typeof MANIFESTS

export const EMBEDDED_MODELS = ['@longtake/tiny'] as const satisfies readonly EmbeddedModel[]

/** A checkpoint that is, or should be, on this machine. */
export interface ModelEntry {
  readonly id: string
  readonly source: 'embedded'
  readonly description: string
  /** Whether its files are there. */
  readonly isPresent: boolean
  /** Bytes of its files. */
  readonly sizeBytes: number
}

/** What is known of an embedded checkpoint without loading it. */
export async function describeEmbedded(id: EmbeddedModel): Promise<ModelEntry> {
  const entry: ModelEntry = { id, source: 'embedded', description: '', isPresent: false, sizeBytes: 0 }
  try {
    const manifest = MANIFESTS[id]()
    const description: unknown = Reflect.get(JSON.parse(await readFile(manifest, 'utf8')), 'description')
    const folder = join(dirname(manifest), 'checkpoint')
    const names = await readdir(folder, { recursive: true })
    const sizes = await Promise.all(names.map((name) => fileSize(join(folder, name))))
    return {
      ...entry,
      description: typeof description === 'string' ? description.replace(/^Longtake: /, '') : '',
      isPresent: names.includes('config.json'),
      sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    }
  } catch {
    return entry
  }
}

/** Bytes of a file; a folder itself has none. */
async function fileSize(path: string): Promise<number> {
  const facts = await stat(path)
  return facts.isFile() ? facts.size : 0
}
