import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CheckpointError } from '@longtake/core'

/** Where and with what a benchmark ran. */
export interface RunFacts {
  /** Revision of the working tree, with `-dirty` where files differ from it. */
  readonly commit: string
  readonly date: string
  /** Such as `node 20.20.0`. */
  readonly runtime: string
  readonly onnxRuntime: string
  readonly platform: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
}

/** The embedded checkpoint, which is measured unless another one is named. */
export const DEFAULT_MODEL = '@longtake/tiny'

const require = createRequire(import.meta.url)

/** The facts of this run, printed with every result. */
export async function describeRun(): Promise<RunFacts> {
  return {
    commit: await readCommit(),
    date: new Date().toISOString(),
    runtime: describeRuntime(),
    onnxRuntime: readOnnxRuntimeVersion(),
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  }
}

/** The checkpoint that was measured. */
export interface ModelFacts {
  readonly id: string
  /** SHA-256 over the names and contents of its files. */
  readonly sha256: string
}

/**
 * Names a checkpoint by its contents. `expected/`, which parity folders carry, is no part of it.
 *
 * @param id - As `load` takes it: a folder or an installed package.
 * @throws {CheckpointError} `CHECKPOINT_NOT_FOUND` if there is no such folder.
 */
export async function describeModel(id: string): Promise<ModelFacts> {
  const folder = checkpointFolder(id)
  const hash = createHash('sha256')
  for (const file of await listFiles(folder, id)) {
    hash.update(`${file}\0`)
    for await (const bytes of createReadStream(join(folder, file))) hash.update(bytes)
    hash.update('\0')
  }
  return { id, sha256: hash.digest('hex') }
}

function checkpointFolder(id: string): string {
  if (id.startsWith('file:')) return fileURLToPath(id)
  if (!/^@[^/]+\/[^/]+$/.test(id)) return resolve(id)
  try {
    const manifest = id === DEFAULT_MODEL ? embeddedManifest() : require.resolve(`${id}/package.json`)
    return join(dirname(manifest), 'checkpoint')
  } catch (cause) {
    throw new CheckpointError('CHECKPOINT_NOT_FOUND', `The package ${id} is not installed.`, { cause })
  }
}

function embeddedManifest(): string {
  return require.resolve('@longtake/tiny/package.json')
}

async function listFiles(folder: string, id: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
      .filter((file) => !file.startsWith('expected/'))
      .sort()
  } catch (cause) {
    throw new CheckpointError('CHECKPOINT_NOT_FOUND', `There is no checkpoint folder at ${folder} (${id}).`, {
      cause,
    })
  }
}

async function readCommit(): Promise<string> {
  const arguments_ = ['describe', '--always', '--dirty', '--abbrev=40', '--exclude=*']
  try {
    const cwd = dirname(fileURLToPath(import.meta.url))
    const { stdout } = await promisify(execFile)('git', arguments_, { cwd })
    return stdout.trim()
  } catch {
    return 'unknown'
  }
}

function describeRuntime(): string {
  const { bun, deno, node } = process.versions
  if (bun !== undefined) return `bun ${bun}`
  return deno === undefined ? `node ${node}` : `deno ${deno}`
}

function readOnnxRuntimeVersion(): string {
  const { version }: { version: string } = require('onnxruntime-node/package.json')
  return version
}
