import { existsSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { DOCS, ROOT } from './paths.js'

/** The demo that runs in the visitor's browser, where it was built, gets its place beside the pages, at `/demo/`. */
export async function copyDemo(): Promise<void> {
  const built = join(ROOT, 'apps/browser-demo/dist')
  if (existsSync(built)) await cp(built, join(DOCS, '.vitepress/dist/demo'), { recursive: true })
}
