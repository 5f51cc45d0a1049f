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
 * @throws {InvalidOptionError} If it cannot.
 */
export async function checkOutput(file: OutputFile): Promise<void> {
  const { option, ending, path } = file
  // The ending also keeps a slip of the hand from replacing the video.
  const isNamed = path.toLowerCase().endsWith(ending) && /[^/\\]$/.test(path.slice(0, -ending.length))
  if (!isNamed) throw new InvalidOptionError(option, `a path that ends in ${ending}`, path)
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) throw new InvalidOptionError(option, 'the path of a file, not a folder', path)
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

function unwritable({ option, path }: OutputFile, cause: unknown): InvalidOptionError {
  return new InvalidOptionError(option, 'a path in a folder that exists and can be written', path, { cause })
}
