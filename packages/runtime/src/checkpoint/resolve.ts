import { stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CheckpointError, InvalidOptionError } from '@longtake/core'
import type { HubLookup } from '../hub/index.js'
import { parseModelId } from '../hub/model-id.js'

const PACKAGE_NAME = /^@[a-z0-9~-][a-z0-9._~-]*\/[a-z0-9~-][a-z0-9._~-]*$/
/** Two letters at least, so that C:\\models stays a path. */
const ADDRESS = /^[a-z][a-z0-9+.-]+:/i

/**
 * The folder that a checkpoint id stands for.
 *
 * @param id - A folder (path or `file:` URL), or the name of an installed package that carries a checkpoint in
 *   its folder `checkpoint/`, such as `@longtake/tiny`, or a model that was pulled from a hub (`org/name`, or
 *   `org/name@revision`). A folder comes before a pulled model of the same name.
 * @param hub - Where pulled models are, and whether one may be downloaded.
 * @throws {CheckpointError} `CHECKPOINT_NOT_FOUND` when there is no such folder, package or pulled model;
 *   `CHECKPOINT_UNSUPPORTED` for an address.
 * @throws {InvalidOptionError} If the id is not a string or URL, or is empty.
 */
export async function resolveCheckpoint(id: string | URL, hub: HubLookup = {}): Promise<string> {
  const place = await localPlace(id)
  if ('folder' in place) return place.folder
  const { hubFolder } = await import('../hub/index.js')
  return hubFolder(place.model, hub)
}

/** The folder that an id stands for, or the id of a model that may have been pulled; both as in `resolveCheckpoint`. */
export async function localPlace(
  id: string | URL,
): Promise<{ readonly folder: string } | { readonly model: string }> {
  if (typeof id === 'string' && !isAbsolute(id) && !ADDRESS.test(id) && parseModelId(id) !== undefined) {
    if (!(await isFolder(resolve(id)))) return { model: id }
  }
  return { folder: await folderOf(id) }
}

async function folderOf(id: string | URL): Promise<string> {
  if (id instanceof URL) return requireFolder(urlToPath(id), id.href)
  if (typeof id !== 'string' || id.trim() === '') {
    throw new InvalidOptionError('id', 'a folder, a package name or a file: URL', id)
  }
  if (ADDRESS.test(id)) return requireFolder(urlToPath(parseUrl(id)), id)
  if (PACKAGE_NAME.test(id)) return requireFolder(packageFolder(id), id)
  return requireFolder(resolve(id), id)
}

function parseUrl(text: string): URL {
  try {
    return new URL(text)
  } catch (error) {
    throw new InvalidOptionError('id', 'a valid address', text, { cause: error })
  }
}

function urlToPath(url: URL): string {
  if (url.protocol !== 'file:') {
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      `A checkpoint cannot be loaded from ${url.protocol} addresses; give a folder.`,
    )
  }
  try {
    return fileURLToPath(url)
  } catch (error) {
    throw new InvalidOptionError('id', 'a file: URL of this machine', url.href, { cause: error })
  }
}

/** The package is looked up from this module first, then from the working directory, as its user installed it. */
function packageFolder(name: string): string {
  for (const base of [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json')).href]) {
    try {
      return join(dirname(createRequire(base).resolve(`${name}/package.json`)), 'checkpoint')
    } catch {
      // Not there: the next base may know it.
    }
  }
  throw new CheckpointError(
    'CHECKPOINT_NOT_FOUND',
    `The package ${name} is not installed. Run: npm install ${name}`,
  )
}

async function requireFolder(folder: string, id: string): Promise<string> {
  if (await isFolder(folder)) return folder
  throw new CheckpointError(
    'CHECKPOINT_NOT_FOUND',
    `There is no checkpoint folder at ${folder} (asked for as ${id}).`,
  )
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
