/**
 * Writes the page's files, as they are served, into `src/page/assets.ts`: then the app needs no file system, on any
 * platform. Run by `npm run build`, after the page's own modules were compiled.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'

const FOLDER = new URL('../', import.meta.url)
const SOURCES = new URL('src/page/browser/', FOLDER)
const COMPILED = new URL('dist/browser/', FOLDER)
const TARGET = new URL('src/page/assets.ts', FOLDER)

// Only what has a source: an older build may have left more.
const modules = (await readdir(SOURCES)).filter((name) => name.endsWith('.ts')).toSorted()
const files = {
  'index.html': await readFile(new URL('index.html', SOURCES), 'utf8'),
  'icon.svg': await readFile(new URL('icon.svg', SOURCES), 'utf8'),
  'style.css': await readFile(new URL('style.css', SOURCES), 'utf8'),
}
for (const name of modules) {
  const compiled = name.replace(/\.ts$/, '.js')
  files[compiled] = await readFile(new URL(compiled, COMPILED), 'utf8')
}
const entries = Object.entries(files).map(
  ([name, text]) => `  ${JSON.stringify(name)}: ${JSON.stringify(text)},\n`,
)
const text = `// Written by scripts/embed-page.js from src/page/browser.
// biome-ignore-all format: one line for each file
// biome-ignore-all lint: texts of other files

/** The page's files as they are served, by name. */
export const ASSETS: Readonly<Record<string, string>> = {
${entries.join('')}}
`
const old = await readFile(TARGET, 'utf8').catch(() => '')
if (text !== old) await writeFile(TARGET, text)
