import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { DOCS, ROOT } from './paths.js'

/** The demo that runs in the visitor's browser lies beside the pages, at `/demo/`. It is built before the site is. */
export async function copyDemo(): Promise<void> {
  await cp(join(ROOT, 'apps/browser-demo/dist'), join(DOCS, '.vitepress/dist/demo'), { recursive: true })
}
