import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log, VideoStore } from '../services.js'
import { parseRecord, type VideoRecord } from '../videos/record.js'
import { PART_ENDING, removeDurably, writeDurably } from './durable-file.js'

const ENDING = '.json'

/**
 * Videos as files of a folder that nobody else can read, one each.
 *
 * @param log - Told of files that are no records; they are kept beside under another name.
 */
export async function openVideoStore(folder: string, log: Log): Promise<VideoStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const found: VideoRecord[] = []
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (name.endsWith(PART_ENDING)) await rm(path, { force: true })
    if (!name.endsWith(ENDING)) continue
    const record = parseRecord(await readFile(path, 'utf8').catch(() => ''))
    if (record !== undefined && name === record.id + ENDING) found.push(record)
    else {
      log.warn({ file: name }, 'a video could not be read, and is forgotten')
      await rename(path, `${path}.damaged`)
    }
  }
  let last: Promise<unknown> = Promise.resolve()
  /** One after the other, so that the latest is what stays. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work)
    last = done.catch(() => {})
    return done
  }
  return {
    found,
    save: (record) => inTurn(() => writeDurably(join(folder, record.id + ENDING), JSON.stringify(record))),
    remove: (id) => inTurn(() => removeDurably(join(folder, id + ENDING))),
  }
}
