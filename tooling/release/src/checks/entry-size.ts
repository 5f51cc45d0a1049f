import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type OutputChunk, rolldown } from 'rolldown'
import { ENTRY_LIMITS, KILOBYTE, NATIVE } from '../limits.js'
import { moduleEntries } from '../manifest.js'
import type { Tarball } from '../tarball.js'
import type { Check, CheckContext } from './check.js'

interface EntrySize {
  readonly entry: string
  /** kB that come with the entry. */
  readonly eager: number
  /** kB that only `import()` loads. */
  readonly later: number
  readonly limit: number
}

/** What an entry costs who bundles it: minified and compressed, with its dependencies, without native parts. */
export const entrySizeCheck: Check = {
  name: 'entries',
  inspect: async (tarball, context) => {
    const sizes = await entrySizes(tarball, context)
    return {
      measured: sizes
        .map(
          ({ entry, eager, later }) =>
            `${entry} ${told(eager)}${later > 0 ? ` (+ ${told(later)} later)` : ''}`,
        )
        .join(', '),
      problems: sizes
        .filter(({ eager, limit }) => eager > limit)
        .map(
          ({ entry, eager, limit }) =>
            `${tarball.name} ${entry} is ${told(eager)} min+gzip, more than ${limit} kB: load what few need by import(), or raise ENTRY_LIMITS.`,
        ),
    }
  },
}

async function entrySizes(tarball: Tarball, context: CheckContext): Promise<readonly EntrySize[]> {
  const limits = ENTRY_LIMITS[tarball.name] ?? {}
  const sizes: EntrySize[] = []
  for (const [entry, file] of moduleEntries(tarball.manifest)) {
    const limit = limits[entry]
    if (limit === undefined || !tarball.files.has(file)) continue
    const chunks = await bundle(join(context.installed, 'node_modules', tarball.name, file), context)
    sizes.push({ entry, limit, ...weigh(chunks) })
  }
  return sizes
}

async function bundle(input: string, { root }: CheckContext): Promise<readonly OutputChunk[]> {
  const build = await rolldown({
    input,
    platform: 'neutral',
    logLevel: 'silent',
    external: [...builtinModules, /^node:/, ...NATIVE.map((name) => new RegExp(`^${name}(/|$)`))],
    // Own packages lie beside the entry, as published; what they depend on is what is installed here.
    resolve: { modules: ['node_modules', join(root, 'node_modules')], mainFields: ['module', 'main'] },
  })
  try {
    const { output } = await build.generate({ format: 'esm', minify: true })
    return output.filter((part) => part.type === 'chunk')
  } finally {
    await build.close()
  }
}

function weigh(chunks: readonly OutputChunk[]): { readonly eager: number; readonly later: number } {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]))
  const entry = chunks.find((chunk) => chunk.isEntry)
  const eager = new Set<OutputChunk>()
  const waiting = entry === undefined ? [] : [entry]
  for (let chunk = waiting.pop(); chunk !== undefined; chunk = waiting.pop()) {
    if (eager.has(chunk)) continue
    eager.add(chunk)
    waiting.push(...chunk.imports.flatMap((name) => byName.get(name) ?? []))
  }
  const later = chunks.filter((chunk) => !eager.has(chunk))
  return { eager: compressed([...eager]), later: compressed(later) }
}

function compressed(chunks: readonly OutputChunk[]): number {
  return chunks.reduce((sum, { code }) => sum + gzipSync(code).byteLength, 0) / KILOBYTE
}

function told(kilobytes: number): string {
  return `${kilobytes.toFixed(1)} kB`
}
