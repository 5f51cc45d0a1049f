import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openBrowser } from './browser.js'
import { pageOf } from './page.js'
import { recordScenes } from './scenes.js'

/** Draws every scene: `node dist/main.js [FOLDER]`, by default into the documentation's pictures. */
const folder = process.argv[2] ?? join(import.meta.dirname, '../../../docs/images')
const browser = await openBrowser()
try {
  await mkdir(folder, { recursive: true })
  for (const scene of await recordScenes()) {
    const png = await browser.draw(pageOf(scene))
    const path = join(folder, `discord-${scene.name}.png`)
    await writeFile(path, png)
    process.stdout.write(`${path}: ${Math.ceil(png.length / 1000)} kB\n`)
  }
} finally {
  await browser.close()
}
