import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from './paths.js'

/** Folders whose Markdown is others', generated, or data. */
const LEFT_OUT = new Set([
  'node_modules',
  'dist',
  'etc',
  'reference',
  'work',
  '.git',
  '.turbo',
  '.changeset',
  'tests',
  'src',
])

export interface MarkdownFile {
  /** From the repository's root, with slashes. */
  readonly path: string
  readonly text: string
}

/** Every document that people read: READMEs, `docs`, and what lies beside them. */
export async function readMarkdownFiles(): Promise<MarkdownFile[]> {
  const paths = await findIn('')
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(ROOT, path), 'utf8') })))
}

async function findIn(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { withFileTypes: true })
  const found = await Promise.all(
    entries.map((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) return LEFT_OUT.has(entry.name) ? [] : findIn(path)
      return entry.name.endsWith('.md') && entry.name !== 'CHANGELOG.md' ? [path] : []
    }),
  )
  return found.flat().sort()
}
