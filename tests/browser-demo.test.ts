import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startBrowser } from '../apps/edge-api/test/browser.js'
import { film } from './support/films.js'
import { demoFile } from './support/tiny-model.js'
import { chromium } from './support/web-page.js'

/** Written by the build. */
const DIST = fileURLToPath(new URL('../apps/browser-demo/dist/', import.meta.url))

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
}

const place = chromium
  ? 'the demo in Chromium'
  : 'the demo (LEFT OUT: no Chromium on the path or in LONGTAKE_CHROMIUM)'

describe.skipIf(chromium === undefined)(place, () => {
  let browser: Browser
  let server: Server
  let context: BrowserContext
  let page: Page
  let problems: string[]
  let address: string

  beforeAll(async () => {
    browser = await startBrowser(chromium ?? '')
  })
  afterAll(() => browser?.close())

  beforeEach(async () => {
    server = await serveFolder()
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    context = await browser.newContext({ viewport: { width: 375, height: 800 } })
    page = await context.newPage()
    problems = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(address) && !request.url().startsWith('blob:'))
        problems.push(`asked for ${request.url()}`)
    })
    await page.goto(address)
  })
  afterEach(async () => {
    await context?.close()
    await stop(server)
  })

  const offlineReady = (): Promise<void> =>
    page.getByText('Ready for use without a network.', { exact: true }).waitFor({ timeout: 30_000 })

  test('watches the sample, answers with its frames, and does so again without a network', async () => {
    await offlineReady()
    await stop(server)
    await context.setOffline(true)
    await page.reload()
    await page.getByRole('button', { name: 'Use the sample video' }).click()
    await page.getByText('64 frames watched').waitFor()
    await page.getByRole('button', { name: 'What caption is on the cyan circle?' }).click()
    await page.locator('.evidence').waitFor()
    expect(await page.locator('.answer').textContent()).toBe('k')
    expect(await page.locator('.frames img').count()).toBeGreaterThan(0)
    await page.getByLabel('Your question').fill('Which shape is at the start of the video?')
    await page.getByLabel('Your question').press('Enter')
    await page.locator('.evidence').nth(1).waitFor()
    expect(await page.locator('.answer').nth(1).textContent()).toBe('square')
    expect(await page.locator('#memory').textContent()).toMatch(/WebAssembly has taken \d+\sMiB/)
    expect(await page.locator('#status').textContent()).toBe('Answer: square')
    // Nothing is wider than a small telephone.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375)
    expect(problems).toEqual([])
  })

  test('a file of one’s own is watched, can be stopped, and is refused with a sentence', async () => {
    const file = page.locator('#file')
    await file.setInputFiles(demoFile('0001.mp4'))
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'hidden' })
    expect(await page.locator('#status').textContent()).toBe('Stopped.')
    expect(await page.locator('#chooser').isVisible()).toBe(true)
    await file.setInputFiles(film('audio-only.mp4'))
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').textContent()).toContain('has sound but no pictures')
    await file.setInputFiles(demoFile('0002.webm'))
    await page.getByText('64 frames watched').waitFor()
    expect(await page.getByRole('alert').isVisible()).toBe(false)
    expect(problems).toEqual([])
  })

  test('says what is missing', async () => {
    await page.getByRole('button', { name: 'Ask' }).click()
    expect(await page.getByRole('alert').textContent()).toContain('Choose a video first')
  })
})

async function serveFolder(): Promise<Server> {
  const server = createServer(async ({ url = '/' }, response) => {
    const path = normalize(decodeURIComponent(new URL(url, 'http://localhost').pathname))
    const name = path === '/' ? 'index.html' : path
    const content = await readFile(join(DIST, name)).catch(() => undefined)
    response.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream')
    response.statusCode = content === undefined ? 404 : 200
    response.end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function stop(server: Server): Promise<void> {
  if (!server?.listening) return
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
