import { constants } from 'node:fs'
import { access, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InvalidOptionError } from '@longtake/core'

/**
 * Checks, before a model runs for minutes, that a picture can be written there.
 *
 * @throws {InvalidOptionError} If it cannot.
 */
export async function checkPicturePath(path: string): Promise<void> {
  // The ending also keeps a slip of the hand from replacing the video.
  if (!/[^/\\]\.png$/i.test(path))
    throw new InvalidOptionError('storyboard', 'a path that ends in .png', path)
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory())
    throw new InvalidOptionError('storyboard', 'the path of a file, not a folder', path)
  try {
    await access(found === undefined ? dirname(path) : path, constants.W_OK)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

/** @throws {InvalidOptionError} If the file cannot be written. */
export async function writePicture(path: string, png: Uint8Array): Promise<void> {
  try {
    await writeFile(path, png)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

function unwritable(path: string, cause: unknown): InvalidOptionError {
  return new InvalidOptionError('storyboard', 'a path in a folder that exists and can be written', path, {
    cause,
  })
}
