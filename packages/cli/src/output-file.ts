import { constants } from 'node:fs'
import { access, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InvalidOptionError } from '@longtake/core'

/** A file that a command writes. */
export interface OutputFile {
  /** Name of the option that names it. */
  readonly option: 'storyboard' | 'out'
  /** What its name ends in. */
  readonly ending: '.png' | '.html'
  readonly path: string
}

/**
 * Checks, before a model runs for minutes, that a file can be written there.
 *
 * @param inputs - Files that are read, which must not be replaced.
 * @throws {InvalidOptionError} If it cannot.
 */
export async function checkOutput(file: OutputFile, inputs: readonly string[]): Promise<void> {
  const { option, ending, path } = file
  // The ending also keeps a slip of the hand from replacing the video.
  const isNamed = path.toLowerCase().endsWith(ending) && /[^/\\]$/.test(path.slice(0, -ending.length))
  if (!isNamed) throw new InvalidOptionError(option, `a path that ends in ${ending}`, path)
  const found = await lookAt(path)
  if (found?.isDirectory()) throw new InvalidOptionError(option, 'the path of a file, not a folder', path)
  // Writing to a pipe would wait for whoever reads it.
  if (found?.isFile() === false) throw new InvalidOptionError(option, 'the path of an ordinary file', path)
  for (const input of found === undefined ? [] : inputs) {
    const read = await lookAt(input)
    if (read?.ino !== found?.ino || read?.dev !== found?.dev) continue
    throw new InvalidOptionError(option, 'another file than those that are looked at', path)
  }
  try {
    await access(found === undefined ? dirname(path) : path, constants.W_OK)
  } catch (cause) {
    throw unwritable(file, cause)
  }
}

/** @throws {InvalidOptionError} If the file cannot be written. */
export async function writeOutput(file: OutputFile, content: Uint8Array | string): Promise<void> {
  try {
    await writeFile(file.path, content)
  } catch (cause) {
    throw unwritable(file, cause)
  }
}

/** What lies at a path, through links; undefined if nothing can be found out. */
function lookAt(path: string) {
  return stat(path, { bigint: true }).catch(() => undefined)
}

/** No room on the disk, in the user's quota, or within the limit on files. */
const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG']

function unwritable({ option, path }: OutputFile, cause: unknown): InvalidOptionError {
  const code = cause instanceof Error ? Reflect.get(cause, 'code') : undefined
  const need = FULL.includes(code)
    ? 'a path where there is room for the file'
    : 'a path in a folder that exists and can be written'
  return new InvalidOptionError(option, need, path, { cause })
}
