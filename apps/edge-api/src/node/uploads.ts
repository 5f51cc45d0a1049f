import { lstat, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FoundUpload, StoredUpload, UploadStore } from '../services.js'
import { writeDurably } from './durable-file.js'
import { openStoredFile } from './stored-file.js'

/** Name in messages: the file's own says where it lies. */
const NAME = 'the uploaded file'

/** An upload's id, and its owner, who is looked for by name. */
const FILE_NAME = /^(upl_[0-9a-f]{32})\.([\w-]+)$/

/**
 * Uploads as files of a folder that nobody else can read.
 *
 * @param place - The folder, in which they outlive the process. Default a temporary one, which `close` removes.
 */
export async function openUploads(place?: string): Promise<UploadStore & { close(): Promise<void> }> {
  const folder = place ?? (await mkdtemp(join(tmpdir(), 'longtake-uploads-')))
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return {
    found: await findUploads(folder),
    async put(id, owner, bytes): Promise<StoredUpload> {
      const path = join(folder, `${id}.${Buffer.from(owner).toString('base64url')}`)
      if (place === undefined) await writeFile(path, bytes, { mode: 0o600 })
      else await writeDurably(path, bytes)
      return storedUpload(path)
    },
    async close() {
      if (place === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What an earlier process left; what it could not finish is removed. */
async function findUploads(folder: string): Promise<readonly FoundUpload[]> {
  const found: FoundUpload[] = []
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const [, id = '', owner = ''] = FILE_NAME.exec(name) ?? []
    const facts = await lstat(path)
    if (id === '' || !facts.isFile()) await rm(path, { recursive: true, force: true })
    else {
      found.push({
        id,
        owner: Buffer.from(owner, 'base64url').toString(),
        sizeBytes: facts.size,
        usedAt: facts.mtimeMs,
        stored: storedUpload(path),
      })
    }
  }
  return found
}

function storedUpload(path: string): StoredUpload {
  return {
    open: () => openStoredFile(path, NAME, 'The uploaded video is not there any more.'),
    touch: (usedAt) => utimes(path, usedAt / 1000, usedAt / 1000),
    remove: () => rm(path, { force: true }),
  }
}
