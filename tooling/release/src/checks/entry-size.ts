import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type OutputChunk, rolldown } from 'rolldown'
import { ENTRY_LIMITS, KILOBYTE, NATIVE } from '../limits.js'
import { moduleEntries } from '../manifest.js'
import type { Tarball } from '../tarball.js'
import type { Check, CheckContext } from './check.js'

const NOT_BUNDLED = [...builtinModules, /^node:/, ...NATIVE.map((name) => new RegExp(`^${name}(/|$)`))]

/** kB, minified and compressed. */
interface Weight {
  /** What comes with the entry, as one file. */
  readonly eager: number
  /** What only `import()` loads. */
  readonly later: number
}

interface EntrySize {
  readonly entry: string
  /** The package's own code. */
  readonly own: Weight
  /** The same with all that it depends on, but native parts. */
  readonly whole: Weight
  readonly limit: number
}

/** What an entry costs who bundles it. */
export const entrySizeCheck: Check = {
  name: 'entries',
  inspect: async (tarball, context) => {
    const sizes = await entrySizes(tarball, context)
    return {
      measured: sizes
        .map(({ entry, own, whole }) => `${entry} ${told(own)}, with dependencies ${told(whole)}`)
        .join('; '),
      problems: sizes
        .filter(({ own, limit }) => own.eager > limit)
        .map(
          ({ entry, own, limit }) =>
            `${tarball.name} ${entry} is ${kB(own.eager)} min+gzip, more than ${limit} kB: load what few need by import(), or raise ENTRY_LIMITS.`,
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
    const input = join(context.installed, 'node_modules', tarball.name, file)
    const own = weigh(await bundle(input, [/^[^./]/], context))
    const whole = weigh(await bundle(input, NOT_BUNDLED, context))
    sizes.push({ entry, limit, own, whole })
  }
  return sizes
}

async function bundle(
  input: string,
  external: readonly (string | RegExp)[],
  { root }: CheckContext,
): Promise<readonly OutputChunk[]> {
  const build = await rolldown({
    input,
    platform: 'neutral',
    logLevel: 'silent',
    external: [...external],
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

function weigh(chunks: readonly OutputChunk[]): Weight {
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
  return { eager: compressed([...eager]), later: later.length === 0 ? 0 : compressed(later) }
}

/** As one file: what is always loaded together bundlers join. */
function compressed(chunks: readonly OutputChunk[]): number {
  return gzipSync(chunks.map(({ code }) => code).join('\n')).byteLength / KILOBYTE
}

function told({ eager, later }: Weight): string {
  return `${kB(eager)}${later > 0 ? ` (+ ${kB(later)} later)` : ''}`
}

function kB(kilobytes: number): string {
  return `${kilobytes.toFixed(1)} kB`
}
