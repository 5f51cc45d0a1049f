import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publishWorkspaces, type Registry, startRegistry } from '@longtake/registry'
import { type Ended, run, runToEnd } from './run.js'
import { installTools, pathWith, type Tools } from './tools.js'

/** The repository, seen from `dist/tests/consumers/src`. */
const ROOT = fileURLToPath(new URL('../../../../../../', import.meta.url))

/** Where checks take place: a folder outside the repository, a home, and a registry with the packages. */
export interface Place extends AsyncDisposable {
  readonly registry: Registry
  readonly tools: Tools
  /** Path of a file of the repository, such as a fixture. */
  repository(path: string): string
  /** Surroundings of every program: this machine's `PATH` and nothing else of it. */
  environment(node?: string): Record<string, string>
  /** A folder with files, by path. */
  project(name: string, files?: Readonly<Record<string, string>>): Promise<Project>
  /** The result of the first call under this key. */
  once<T>(key: string, make: () => Promise<T>): Promise<T>
}

/** A folder as a user has it. */
export interface Project {
  readonly folder: string
  write(path: string, content: string): Promise<void>
  /** Runs a program in it that has to succeed, and gives what it printed. */
  run(file: string, words: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>
  /** Runs a program in it, whatever comes of that. */
  try(file: string, words: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>
}

/** Publishes the repository as it is built to a registry of its own. */
export async function openPlace(signal: AbortSignal): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'longtake-consumers-'))
  const registry = await startRegistry()
  const close = async (): Promise<void> => {
    await registry.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await publishWorkspaces(registry, ROOT)
    const tools = await installTools({
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOME: folder, ...registry.environment },
      signal,
    })
    return { ...placeAt(folder, registry, tools, signal), [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

function placeAt(
  folder: string,
  registry: Registry,
  tools: Tools,
  signal: AbortSignal,
): Omit<Place, typeof Symbol.asyncDispose> {
  const home = join(folder, 'home')
  const environment = (node = tools.node): Record<string, string> => ({
    PATH: pathWith(node),
    HOME: home,
    ...registry.environment,
    YARN_ENABLE_TELEMETRY: '0',
    NEXT_TELEMETRY_DISABLED: '1',
    DENO_NO_UPDATE_CHECK: '1',
  })
  const made = new Map<string, Promise<unknown>>()
  return {
    registry,
    tools,
    repository: (path) => join(ROOT, path),
    environment,
    async project(name, files = {}) {
      const project = projectAt(join(folder, name), environment(), signal)
      await Promise.all([home, project.folder].map((path) => mkdir(path, { recursive: true })))
      for (const [path, content] of Object.entries(files)) await project.write(path, content)
      return project
    },
    once<T>(key: string, make: () => Promise<T>) {
      const before = made.get(key) as Promise<T> | undefined
      const result = before ?? make()
      made.set(key, result)
      return result
    },
  }
}

function projectAt(
  folder: string,
  surroundings: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Project {
  const options = (env?: Readonly<Record<string, string>>) => ({
    cwd: folder,
    env: { ...surroundings, ...env },
    signal,
  })
  return {
    folder,
    async write(path, content) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
    },
    run: (file, words, env) => run(file, words, options(env)),
    try: (file, words, env) => runToEnd(file, words, options(env)),
  }
}
