import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publishWorkspaces, type Registry, startRegistry } from '@longtake/registry'
import { type Ended, run, runToEnd } from './run.js'
import { installTools, type Tools } from './tools.js'

/** The repository, seen from `dist/tests/consumers/src`. */
const ROOT = fileURLToPath(new URL('../../../../../../', import.meta.url))

/** Where checks take place: a folder outside the repository, a home, and a registry with the packages. */
export interface Place extends AsyncDisposable {
  readonly tools: Tools
  /** Path of a file of the repository, such as a fixture. */
  repository(path: string): string
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

/** Publishes the repository as it is built to a registry of its own, beside which all folders are. */
export async function openPlace(signal: AbortSignal): Promise<Place> {
  const registry = await startRegistry()
  try {
    await publishWorkspaces(registry, ROOT)
    const surroundings = environmentOf(registry)
    await mkdir(surroundings.HOME)
    const tools = await installTools({ cwd: registry.folder, env: surroundings, signal })
    return { ...placeAt(registry, tools, surroundings, signal), [Symbol.asyncDispose]: registry.close }
  } catch (error) {
    await registry.close()
    throw error
  }
}

/** Of every program: this machine's `PATH`, and nothing else of it. */
function environmentOf({ folder, environment }: Registry) {
  return {
    PATH: process.env.PATH ?? '',
    HOME: join(folder, 'home'),
    ...environment,
    YARN_ENABLE_TELEMETRY: '0',
    DENO_NO_UPDATE_CHECK: '1',
  }
}

function placeAt(
  registry: Registry,
  tools: Tools,
  surroundings: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Omit<Place, typeof Symbol.asyncDispose> {
  const made = new Map<string, Promise<unknown>>()
  return {
    tools,
    repository: (path) => join(ROOT, path),
    async project(name, files = {}) {
      const project = projectAt(join(registry.folder, 'projects', name), surroundings, signal)
      await mkdir(project.folder, { recursive: true })
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
