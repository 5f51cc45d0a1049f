import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import type { Page } from 'playwright-core'
import { findChromium, startBrowser } from '../../../apps/edge-api/test/browser.js'

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}

/** Longest that one piece of work in a page may take. */
const PAGE_TIMEOUT_MS = 120_000

/** Works in a page of Chromium that is served these folders, by the beginning of their addresses. */
export async function withPage<T>(
  folders: Readonly<Record<string, string>>,
  work: (page: Page) => Promise<T>,
): Promise<T> {
  const chromium = findChromium()
  if (chromium === undefined) throw new Error('There is no Chromium on the path or in LONGTAKE_CHROMIUM.')
  const server = createServer(async ({ url = '/' }, response) => {
    const path = normalize(new URL(url, 'http://localhost').pathname)
    response.setHeader(
      'content-type',
      path === '/' ? 'text/html' : (TYPES[extname(path)] ?? 'application/octet-stream'),
    )
    const prefix = Object.keys(folders).find((one) => path.startsWith(one))
    if (path === '/' || prefix === undefined)
      return void response.end('<!doctype html><title>Longtake</title>')
    const content = await readFile(join(folders[prefix] ?? '', path.slice(prefix.length))).catch(
      () => undefined,
    )
    response.statusCode = content === undefined ? 404 : 200
    response.end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await startBrowser(chromium)
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(PAGE_TIMEOUT_MS)
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    return await work(page)
  } finally {
    await browser.close()
    server.closeAllConnections()
    server.close()
  }
}
