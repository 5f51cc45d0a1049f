import { wholeProject } from '../install.js'
import type { Place } from '../place.js'
import type { Check } from '../row.js'
import { tenLines } from '../ten-lines.js'

/** Every entry that a program imports. */
const ENTRIES = [
  '@longtake/ai',
  '@longtake/cli',
  '@longtake/core',
  '@longtake/discord-bot',
  '@longtake/edge-api',
  '@longtake/edge-api/node',
  '@longtake/edge-api/workers',
  '@longtake/jobs',
  '@longtake/kernels',
  '@longtake/kernels/onnx',
  '@longtake/mcp',
  '@longtake/runtime',
  '@longtake/runtime/isolated',
  '@longtake/runtime/link',
  '@longtake/runtime/open-videos',
  '@longtake/runtime/ort',
  '@longtake/runtime/video',
]

const COMPILERS = { '5.9': 'typescript', '7.0': 'typescript-7' } as const

/** As strict as a consumer's settings get; `skipLibCheck` checks our declarations and all that they lead to. */
const STRICT = {
  target: 'ES2023',
  lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
  types: ['node'],
}

const RESOLUTIONS = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
} as const

export const typeChecks: readonly Check[] = Object.entries(COMPILERS).flatMap(([version, compiler]) =>
  Object.entries(RESOLUTIONS).map(([name, resolution]) => ({
    runtime: `typescript ${version}`,
    manager: 'npm',
    check: `types, ${name}`,
    run: (place: Place) => checkTypes(place, compiler, resolution),
  })),
)

/** The ten lines and every entry; foreign declarations that are wrong are told, ours have to be right. */
async function checkTypes(place: Place, compiler: string, resolution: object): Promise<string | undefined> {
  const project = await wholeProject(place)
  const entries = ENTRIES.map((entry, index) => `export * as entry${index} from '${entry}'`)
  await project.write('types/ten.ts', await tenLines(place))
  await project.write('types/entries.ts', entries.join('\n'))
  const check = async (skipLibCheck: boolean) => {
    const settings = { compilerOptions: { ...STRICT, ...resolution, skipLibCheck } }
    await project.write('types/tsconfig.json', JSON.stringify(settings))
    return project.try(place.tools.node, [
      `node_modules/${compiler}/bin/tsc`,
      '-p',
      'types',
      '--pretty',
      'false',
    ])
  }
  const { stdout } = await check(false)
  const files = new Set([...stdout.matchAll(/^(\S+)\(\d+,\d+\): error/gm)].map(([, file = '']) => file))
  const ours = [...files].filter((file) => !/node_modules\/(?!@longtake\/)/.test(file))
  if (ours.length > 0) throw new Error(stdout)
  if (files.size === 0) return undefined
  const skipping = await check(true)
  if (skipping.code !== 0) throw new Error(skipping.stdout)
  const foreign = new Set([...files].map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]))
  return `with skipLibCheck: without it ${[...foreign].sort().join(', ')}`
}
