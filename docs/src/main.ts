import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DOCS } from './paths.js'
import { PICTURES } from './pictures/index.js'
import { writeReference } from './reference.js'

/** Writes what the site has of the code: the methods' pictures and the API reference. */
const folder = join(DOCS, 'images/methods')
await mkdir(folder, { recursive: true })
for (const [name, draw] of Object.entries(PICTURES)) await writeFile(join(folder, name), draw())
await writeReference()
