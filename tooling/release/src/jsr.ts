import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Manifest } from './manifest.js'
import { type PublishedPackage, publishedPackages } from './packages.js'
import { attempt } from './run.js'

const CONFIG = 'jsr.json'

/** What JSR reads of a package; it gets the sources, not the build. */
interface JsrConfig {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly exports: Readonly<Record<string, string>>
  readonly imports?: Readonly<Record<string, string>>
  readonly publish: { readonly include: readonly string[]; readonly exclude?: readonly string[] }
}

/** Packages that JSR has too: those of plain functions, which run wherever JavaScript does. */
const PURE = ['@longtake/core', '@longtake/kernels']

export async function purePackages(root: string): Promise<readonly PublishedPackage[]> {
  return (await publishedPackages(root)).filter(({ name }) => PURE.includes(name))
}

/** Writes each `jsr.json` anew from the `package.json` beside it. */
export async function writeJsrConfigs(root: string): Promise<void> {
  for (const item of await purePackages(root)) {
    await writeFile(join(item.folder, CONFIG), configText(item.manifest))
  }
}

/** Whether JSR would take the package: a dry run of `deno publish`, which needs no network. */
export async function jsrProblems(root: string, item: PublishedPackage): Promise<readonly string[]> {
  if ((await readFile(join(item.folder, CONFIG), 'utf8')) !== configText(item.manifest)) {
    return [`${CONFIG} does not follow package.json: run \`npm run -s jsr-configs\`.`]
  }
  const deno = join(root, 'node_modules/.bin/deno')
  const { code, stdout, stderr } = await attempt(deno, [...PUBLISH, '--dry-run', '--allow-dirty'], {
    cwd: item.folder,
    env: { ...process.env, NO_COLOR: '1' },
  })
  return code === 0 ? [] : [`JSR would refuse it:\n${stdout}${stderr}`]
}

/** Sources name each other by `.js`, as Node has it; Deno writes `.ts` when it publishes. */
const PUBLISH = ['publish', '--sloppy-imports'] as const

function configText(manifest: Manifest): string {
  const sources = (manifest.files ?? [])
    .filter((file) => file.startsWith('!src'))
    .map((file) => file.slice(1))
  const config: JsrConfig = {
    name: manifest.name,
    version: manifest.version,
    license: manifest.license ?? '',
    exports: sourceEntries(manifest),
    ...(manifest.dependencies !== undefined && { imports: importsOf(manifest.dependencies) }),
    publish: { include: ['LICENSE', 'README.md', 'src'], exclude: sources },
  }
  return `${JSON.stringify(config, null, 2)}\n`
}

function importsOf(dependencies: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(dependencies).map(([name, range]) => [
      name,
      `${PURE.includes(name) ? 'jsr' : 'npm'}:${name}@${range}`,
    ]),
  )
}

function sourceEntries({ exports }: Manifest): Readonly<Record<string, string>> {
  if (typeof exports !== 'object' || exports === null) return {}
  return Object.fromEntries(
    Object.entries(exports).flatMap(([subpath, target]) => {
      const source = typeof target === 'object' && target !== null ? target['@longtake/source'] : undefined
      return typeof source === 'string' ? [[subpath, source]] : []
    }),
  )
}
