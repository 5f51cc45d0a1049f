import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DOCS } from './paths.js'
import { PICTURES } from './pictures/index.js'
import { writeReference } from './reference.js'
import { DOCUMENTS, fillTables } from './tables/index.js'
import { readResults } from './tables/results.js'

await writePictures()
await writeTables()
await writeReference()

async function writePictures(): Promise<void> {
  const folder = join(DOCS, 'images/methods')
  await mkdir(folder, { recursive: true })
  for (const [name, draw] of Object.entries(PICTURES)) await writeFile(join(folder, name), draw())
}

async function writeTables(): Promise<void> {
  const results = await readResults()
  for (const name of DOCUMENTS) {
    const path = join(DOCS, name)
    await writeFile(path, fillTables(await readFile(path, 'utf8'), results))
  }
}
