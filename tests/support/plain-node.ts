import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PACKAGES = ['core', 'kernels', 'runtime'] as const
/** Packages that are no libraries. */
const APPS = ['edge-api']
/** Far above what a program takes; one that is still there hangs. */
const TIMEOUT_MILLISECONDS = 50_000

/** Longtake as users have it: compiled, in a folder of installed packages. */
export interface PlainInstall {
  /** Modules that run in it find the packages. */
  readonly folder: string
  /** Runs a module in a Node of its own and waits until it ends by itself. */
  run(source: string, environment: Record<string, string>): Promise<{ stdout: string; stderr: string }>
  /** Address of a compiled module of the runtime, such as `isolated/index.js`. */
  runtimeModule(path: string): string
  remove(): Promise<void>
}

/** Compiles the sources as they are now; below `node_modules`, so that dependencies are found. */
export async function installPlain(packages: readonly string[] = PACKAGES): Promise<PlainInstall> {
  const folder = join(ROOT, 'node_modules', '.cache', `longtake-plain-${process.pid}`)
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = join(compiler, '..', 'bin', 'tsc')
  for (const name of packages) {
    const target = join(folder, 'node_modules', '@longtake', name)
    const source = join(ROOT, APPS.includes(name) ? 'apps' : 'packages', name)
    await mkdir(target, { recursive: true })
    const manifest = await readFile(join(source, 'package.json'), 'utf8')
    await writeFile(join(target, 'package.json'), withoutSources(manifest))
    const project = join(source, 'tsconfig.json')
    const output = [
      '--outDir',
      join(target, 'dist'),
      '--declaration',
      'false',
      '--declarationMap',
      'false',
      '--sourceMap',
      'false',
    ]
    await run(process.execPath, [tsc, '-p', project, '--noCheck', ...output])
  }
  return {
    folder,
    run: (source, environment) =>
      run(process.execPath, ['--input-type=module', '--eval', source], {
        cwd: folder,
        env: environment,
        timeout: TIMEOUT_MILLISECONDS,
      }),
    runtimeModule: (path) =>
      pathToFileURL(join(folder, 'node_modules', '@longtake', 'runtime', 'dist', path)).href,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Without the entries that lead to the sources, which tests prefer. */
function withoutSources(manifest: string): string {
  return JSON.stringify(
    JSON.parse(manifest, (key, value) => (key === '@longtake/source' ? undefined : value)),
  )
}
