import type { Stats } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAbandoned, isEntryName, isPartName } from './cache-names.js'
import { systemCode } from './error.js'

interface Found {
  readonly name: string
  readonly bytes: number
  readonly usedMilliseconds: number
}

/**
 * Brings a folder's entries within a limit, what is being written included: removes what crashed processes left, then
 * the least recently used entries, never one that is being written. Files of other names are not touched or counted.
 *
 * @returns False if entries cannot be brought within the limit; then none is removed.
 * @throws The system's error if the folder cannot be listed.
 */
export async function makeRoom(folder: string, maxBytes: number): Promise<boolean> {
  const { entries, parts } = await list(folder)
  const partBytes = sumBytes(parts)
  if (partBytes > maxBytes) return false
  let bytes = partBytes + sumBytes(entries)
  for (const entry of entries) {
    if (bytes <= maxBytes) return true
    if (await removePath(join(folder, entry.name))) bytes -= entry.bytes
  }
  return bytes <= maxBytes
}

/**
 * Removes the least recently used entry, for when the disk is full before the limit is reached.
 *
 * @returns False if there is none that can be removed.
 * @throws The system's error if the folder cannot be listed.
 */
export async function removeOldest(folder: string): Promise<boolean> {
  const { entries } = await list(folder)
  for (const { name } of entries) {
    if (await removePath(join(folder, name))) return true
  }
  return false
}

/** Entries, the least recently used first, and parts. */
async function list(folder: string): Promise<{ entries: Found[]; parts: Found[] }> {
  const names = (await readdir(folder)).filter((name) => isEntryName(name) || isPartName(name))
  const found = await Promise.all(names.map((name) => look(folder, name)))
  const present = found.filter((file) => file !== undefined)
  const entries = present.filter(({ name }) => isEntryName(name))
  entries.sort((a, b) => a.usedMilliseconds - b.usedMilliseconds || (a.name < b.name ? -1 : 1))
  return {
    entries,
    parts: present.filter(({ name }) => isPartName(name)),
  }
}

/** Undefined for what is gone or was left behind. */
async function look(folder: string, name: string): Promise<Found | undefined> {
  const path = join(folder, name)
  const facts = await lstat(path).catch(() => undefined)
  if (facts === undefined) return undefined
  if (isPartName(name) && isAbandoned(name, facts.mtimeMs) && (await removePath(path))) return undefined
  return { name, bytes: sizeOf(facts), usedMilliseconds: facts.mtimeMs }
}

/** A part's length is what it will be, from the start on, so that other processes know what is promised. */
function sizeOf(facts: Stats): number {
  return facts.isFile() ? facts.size : 0
}

function sumBytes(files: readonly Found[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Removes a file, a link (not what it points to) or a folder; true if nothing is there any more. */
export async function removePath(path: string): Promise<boolean> {
  try {
    await rm(path, { recursive: true, force: true })
    return true
  } catch (error) {
    return systemCode(error) === 'ENOENT'
  }
}
