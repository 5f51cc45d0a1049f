/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { KEYS, startApi } from '../../test/api.js'
import { findChromium, startBrowser } from '../../test/browser.js'
import { type FileServer, serveFiles } from '../../test/files.js'
import { type RunningServer, serve } from '../node/index.js'

const DEMO = fileURLToPath(new URL('../../../../tests/data/demo/0000.mp4', import.meta.url))
const SOURCES = fileURLToPath(new URL('browser/', import.meta.url))
const TSC = fileURLToPath(new URL('../../../../node_modules/typescript/bin/tsc', import.meta.url))
const chromium = findChromium()
const START = 'Which shape is at the start of the video?'
const NUMBER = 'What number is on the blue square?'

let files: FileServer
let api: RunningServer
let keyed: RunningServer

beforeAll(async () => {
  files = await serveFiles()
  const links = { LONGTAKE_LINK_NETWORKS: '127.0.0.0/8', LONGTAKE_LINK_PORTS: 'any' }
  const env = { ...links, LONGTAKE_REQUESTS_PER_MINUTE: '10000', LONGTAKE_MAX_UPLOAD_MIB: '1' }
  api = await serve({ LONGTAKE_PORT: '0', LONGTAKE_LOG: 'silent', ...env })
  keyed = await startApi(env)
})

afterAll(async () => {
  await api.close()
  await keyed.close()
  await files[Symbol.asyncDispose]()
})

describe('what is served', () => {
  test('the page and its files, under a policy that lets nothing else in', async () => {
    const page = await fetch(api.url)
    const html = await page.text()
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; " +
        "trusted-types 'none'",
    )
    expect(html).not.toMatch(
      /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|https?:\/\/(?!example\.com)/i,
    )
    const named = [...html.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map((match) => match[1])
    expect(named.length).toBeGreaterThan(2)
    for (const path of named) {
      const file = await fetch(`${api.url}${path}`)
      expect(file.status).toBe(200)
      expect(file.headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  test('is small, asked for again at no cost, and says whether a key is needed', async () => {
    const page = await fetch(api.url)
    const html = await page.text()
    expect(html).toContain('data-keys="none"')
    expect(await (await fetch(keyed.url)).text()).toContain('data-keys="needed"')
    const etag = page.headers.get('etag') ?? ''
    const again = await fetch(api.url, { headers: { 'If-None-Match': etag } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    expect((await fetch(api.url, { method: 'POST' })).status).toBe(405)
    expect((await fetch(`${api.url}/page/none.js`)).status).toBe(404)
  })

  test('is what the sources compile to', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longtake-page-'))
    try {
      execFileSync(process.execPath, [TSC, '-p', join(SOURCES, 'tsconfig.json'), '--outDir', folder])
      const modules = await readdir(folder)
      expect(modules).toContain('main.js')
      const paths = [
        ...modules.map((name) => join(folder, name)),
        join(SOURCES, 'style.css'),
        join(SOURCES, 'icon.svg'),
      ]
      for (const path of paths) {
        const served = await fetch(`${api.url}/page/${basename(path)}`)
        expect(await served.text(), basename(path)).toBe(await readFile(path, 'utf8'))
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

/** Without a browser these are left out, and said to be: they count neither as passed nor as failed. */
describe.skipIf(chromium === undefined)(
  chromium ? 'in a browser' : 'in a browser (LEFT OUT: no Chromium on the path or in LONGTAKE_CHROMIUM)',
  () => {
    let browser: Browser
    const contexts: BrowserContext[] = []
    /** Everything that must not be: errors, violations of the policy, requests to anybody else. */
    let wrong: string[] = []

    beforeAll(async () => {
      browser = await startBrowser(chromium ?? '')
    })
    afterAll(() => browser?.close())
    afterEach(async () => {
      for (const context of contexts.splice(0)) await context.close()
      expect(wrong).toEqual([])
      wrong = []
    })

    async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
      const context = await browser.newContext({ viewport: { width: 375, height: 800 }, ...options })
      contexts.push(context)
      const page = await context.newPage()
      page.on('pageerror', (error) => wrong.push(`error: ${error.message}`))
      page.on('console', (message) => {
        // The browser itself logs every status from 400 on.
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
          wrong.push(`console: ${message.text()}`)
      })
      page.on('request', (request) => {
        const asked = request.url()
        if (!asked.startsWith(`${url}/`) && !asked.startsWith('blob:')) wrong.push(`request: ${asked}`)
      })
      await page.goto(`${url}/`)
      return page
    }

    async function ask(page: Page, question: string, link?: string): Promise<void> {
      if (link !== undefined) await page.getByLabel('Link to a video').fill(link)
      await page.getByLabel('Your question').fill(question)
      await page.getByRole('button', { name: 'Ask' }).click()
    }

    /** Waits for as many answers with their frames. */
    async function answers(page: Page, many: number): Promise<string[]> {
      await page
        .locator('.evidence')
        .nth(many - 1)
        .waitFor()
      return page.locator('.answer').allTextContents()
    }

    test('answers about a link, shows its frames, and answers a follow-up', async () => {
      const page = await open(api.url)
      await ask(page, START, files.url('demo/0000.mp4'))
      expect((await answers(page, 1))[0]).toMatch(/square/i)
      expect(await page.locator('#video-name').textContent()).toBe('0000.mp4')
      expect(await page.locator('.strip li').count()).toBe(32)
      const marked = page.locator('.strip button')
      expect(await marked.count()).toBeGreaterThan(0)
      await marked.last().click()
      expect(await marked.last().getAttribute('aria-pressed')).toBe('true')
      expect(await page.locator('.detail').textContent()).toMatch(
        /^\d+:\d\d\.\d into the video\. Frame \d+ of 32/,
      )
      const before = files.requests.length
      await ask(page, NUMBER)
      expect((await answers(page, 2))[1]).toMatch(/\d/)
      expect(files.requests.length, 'a follow-up costs no watching').toBe(before)
      expect(await page.getByLabel('Your question').inputValue()).toBe('')
    })

    test('shows each frame from its own place on the storyboard', async () => {
      const page = await open(api.url)
      await ask(page, START, files.url('demo/0000.mp4'))
      await answers(page, 1)
      // The first shot has a green square, the second a yellow triangle, the third a blue square, above the middle.
      const colours: number[][] = []
      for (const place of [0, 1, 2]) {
        const picture = page.locator('.strip .picture').nth(place)
        await picture.scrollIntoViewIfNeeded()
        const png = (await picture.screenshot()).toString('base64')
        colours.push(await page.evaluate(averageColour, png))
      }
      const [green, yellow, blue] = colours as [number[], number[], number[]]
      const [r, g, b] = [0, 1, 2]
      expect(green[g]).toBeGreaterThan(1.3 * Math.max(green[r] ?? 0, green[b] ?? 0))
      expect(Math.min(yellow[r] ?? 0, yellow[g] ?? 0)).toBeGreaterThan(1.2 * (yellow[b] ?? 0))
      expect(blue[b]).toBeGreaterThan(1.3 * Math.max(blue[r] ?? 0, blue[g] ?? 0))
    })

    test('takes a file, and says what is wrong with one', async () => {
      const page = await open(api.url)
      await page.locator('#file').setInputFiles(DEMO)
      expect(await page.locator('#file-name').textContent()).toBe('0000.mp4, 83 KiB')
      await ask(page, START)
      expect((await answers(page, 1))[0]).toMatch(/square/i)
      expect(await page.locator('#video-name').textContent()).toBe('0000.mp4')
      await page.getByRole('button', { name: 'Another video' }).click()
      const buffer = Buffer.from('<html>not a video</html>')
      await page.locator('#file').setInputFiles({ name: 'x.mp4', mimeType: 'video/mp4', buffer })
      await ask(page, START)
      const problem = page.getByRole('alert')
      await problem.waitFor()
      expect(await problem.textContent()).toMatch(/cannot be watched.*Try another one/s)
      expect(await page.locator('.turn').count()).toBe(0)
    })

    test('a dropped file is taken', async () => {
      const page = await open(api.url)
      await page.evaluate(() => {
        const dataTransfer = new DataTransfer()
        dataTransfer.items.add(new File([new Uint8Array(2048)], 'dropped.mp4', { type: 'video/mp4' }))
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
      })
      expect(await page.locator('#file-name').textContent()).toBe('dropped.mp4, 2 KiB')
    })

    test('says plainly what is wrong, and leads to it', async () => {
      const page = await open(api.url)
      const problem = page.getByRole('alert')
      const link = page.getByLabel('Link to a video')
      await page.getByRole('button', { name: 'Ask' }).click()
      expect(await problem.textContent()).toContain('Paste a link to a video, or choose a file.')
      expect(await link.getAttribute('aria-invalid')).toBe('true')
      for (const [text, told] of [
        [files.url('missing.mp4'), 'Nothing is at this link'],
        ['http://169.254.169.254/latest', 'This link is not opened'],
        ['file:///etc/passwd', 'This is no link'],
        [files.url('demo/questions.json'), 'This video cannot be watched'],
      ] as const) {
        await ask(page, START, text)
        await problem.getByText(told).waitFor()
        expect(await link.evaluate((it) => it === document.activeElement)).toBe(true)
        expect(await page.getByLabel('Your question').inputValue()).toBe(START)
      }
    })

    test('can be stopped while it works', async () => {
      const page = await open(api.url)
      await ask(page, START, files.url('slow/a.mp4'))
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.locator('#stages').waitFor({ state: 'hidden' })
      expect(await page.locator('.turn').count()).toBe(0)
      await ask(page, START, files.url('demo/0000.mp4'))
      expect((await answers(page, 1))[0]).toMatch(/square/i)
    })

    test('shows every stage and the place in the queue as the server tells them', async () => {
      const page = await open(api.url)
      const told = [
        { status: 'queued', position: 2 },
        { status: 'watching', progress: { stage: 'decode', done: 16, total: 32 } },
      ]
      let proceed = (): void => {}
      const looked = new Promise<void>((resolve) => {
        proceed = resolve
      })
      // What really happens comes too quickly to be looked at: this is told before it.
      await page.route('**/v1/videos/*', async (route) => {
        const video = told.shift()
        if (video !== undefined) return route.fulfill({ json: { id: idOf(route.request().url()), ...video } })
        await looked
        return route.continue()
      })
      await ask(page, START, files.url('demo/0000.mp4'))
      await page.locator('#waiting', { hasText: 'Waiting: 2 requests are before you.' }).waitFor()
      await page.getByText('16 of 32 frames').waitFor()
      const bars = await page
        .locator('progress')
        .evaluateAll((all) => all.map((it) => (it as HTMLProgressElement).value))
      expect(bars).toEqual([1, 0.5, 0, 0])
      expect(await page.getByRole('progressbar', { name: 'Decode' }).count()).toBe(1)
      proceed()
      expect((await answers(page, 1))[0]).toMatch(/square/i)
    })

    test('shows whatever a model says as text, and keeps what came before a failure', async () => {
      const page = await open(api.url)
      const said = '<img src=x onerror="document.title=1"> ![](https://evil.example/x.png)'
      const frames = Array.from({ length: 100 }, (_, index) => ({
        index,
        timestamp: index * 40,
        weight: [7, 50, 99].includes(index) ? 0.3 : 0.001,
      }))
      const evidence = { video: { width: 16, height: 9 }, frames, timings: { total: 65_000 }, notes: [said] }
      const good = [
        chunk({ delta: { content: said } }),
        chunk({ delta: {}, finish_reason: 'stop' }, { longtake: evidence }),
      ]
      const bodies = [
        `: ping\n\n${good.join('')}data: [DONE]\n\n`,
        `${chunk({ delta: { content: 'It begins' } })}data: {"error":{"code":"engine_failed","message":"No."}}\n\n`,
        chunk({ delta: { content: 'It begins' } }),
      ]
      await page.route('**/v1/chat/completions', (route) =>
        route.fulfill({ contentType: 'text/event-stream', body: bodies.shift() ?? '' }),
      )
      await ask(page, START, files.url('demo/0000.mp4'))
      expect((await answers(page, 1))[0]).toBe(said)
      expect(await page.locator('.turn img:not([src^="blob:"])').count()).toBe(0)
      // More frames than the storyboard shows: those that mattered have their times, and the sheet is shown whole.
      const times = await page.locator('.strip button time').allTextContents()
      expect(times).toEqual(['4:40.0', '33:20.0', '1:06:00.0'])
      expect(await page.locator('.strip li').count()).toBe(3)
      expect(await page.locator('.picture').count()).toBe(0)
      expect(await page.locator('.turn').textContent()).toContain('Answered in 65 s.')
      for (const told of ['That did not work', 'The server cannot be reached']) {
        await ask(page, NUMBER)
        await page.getByRole('alert').getByText(told).waitFor()
        const turn = await page.locator('.turn').last().textContent()
        expect(turn).toContain('It beginsThe answer was not finished.')
        expect(await page.getByLabel('Your question').inputValue()).toBe(NUMBER)
      }
    })

    test('watches again what the server has forgotten', async () => {
      const page = await open(api.url)
      await ask(page, START, files.url('demo/0000.mp4'))
      await answers(page, 1)
      const { data } = (await (await fetch(`${api.url}/v1/videos`)).json()) as { data: { id: string }[] }
      for (const { id } of data) await fetch(`${api.url}/v1/videos/${id}`, { method: 'DELETE' })
      await ask(page, NUMBER)
      await page.getByRole('alert').getByText('The video is not kept any more').waitFor()
      await page.getByRole('button', { name: 'Ask' }).click()
      expect((await answers(page, 2))[1]).toMatch(/\d/)
    })

    test('keeps a key in this tab only', async () => {
      const page = await open(keyed.url)
      await ask(page, START, files.url('demo/0000.mp4'))
      const problem = page.getByRole('alert')
      expect(await problem.textContent()).toContain('Enter your API key first')
      await page.getByLabel('API key').fill('lt-wrong')
      await ask(page, START)
      await problem.getByText('This needs an API key').waitFor()
      await page.getByLabel('API key').fill(KEYS.ann)
      await ask(page, START)
      expect((await answers(page, 1))[0]).toMatch(/square/i)
      const kept = await page.evaluate(() => [
        localStorage.length,
        document.cookie,
        Object.values(sessionStorage),
      ])
      expect(kept).toEqual([0, '', [KEYS.ann]])
      await page.reload()
      expect(await page.getByLabel('API key').inputValue()).toBe(KEYS.ann)
    })

    test('works by keyboard alone', async () => {
      const page = await open(api.url)
      const focused = () => page.evaluate(() => document.activeElement?.id)
      const order: (string | undefined)[] = []
      for (let step = 0; step < 4; step++) {
        await page.keyboard.press('Tab')
        order.push(await focused())
        if (order.at(-1) === 'link') await page.keyboard.type(files.url('demo/0000.mp4'))
        if (order.at(-1) === 'question') await page.keyboard.type(START)
      }
      expect(order).toEqual(['link', 'file', 'question', 'send'])
      await page.keyboard.press('Shift+Tab')
      await page.keyboard.press('Enter')
      await answers(page, 1)
      expect(await focused()).toBe('question')
      const marked = page.locator('.strip button').first()
      for (let step = 0; step < 12 && !(await marked.evaluate((it) => it === document.activeElement)); step++)
        await page.keyboard.press('Shift+Tab')
      await page.keyboard.press('Space')
      expect(await marked.getAttribute('aria-pressed')).toBe('true')
      const outline = await marked.evaluate((it) => getComputedStyle(it).outlineWidth)
      expect(outline).toBe('3px')
    })

    test.each([
      ['light', 375],
      ['dark', 375],
      ['light', 1280],
      ['dark', 1280],
    ] as const)('can be read: %s, %i pixels wide', async (colorScheme, width) => {
      const page = await open(api.url, {
        colorScheme,
        viewport: { width, height: 800 },
        reducedMotion: 'reduce',
      })
      const faults = async () => expect(await page.evaluate(readingFaults)).toEqual([])
      await faults()
      await ask(page, START, files.url('missing.mp4'))
      await page.getByRole('alert').waitFor()
      await faults()
      await ask(page, START, files.url('demo/0000.mp4'))
      await answers(page, 1)
      await faults()
    })
  },
)

/** A frame of a stream. */
function chunk(choice: object, fields: object = {}): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }], ...fields })}\n\n`
}

function idOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.split('/')[3] ?? '')
}

/** Runs in the page: mean colour of the upper middle of a picture, by pixels that have any colour. */
async function averageColour(png: string): Promise<number[]> {
  const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0))
  const bitmap = await createImageBitmap(new Blob([bytes]))
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
  if (context === null) throw new Error('no canvas')
  context.drawImage(bitmap, 0, 0)
  const { data } = context.getImageData(
    bitmap.width * 0.35,
    bitmap.height * 0.2,
    bitmap.width * 0.3,
    bitmap.height * 0.25,
  )
  const sums = [0, 0, 0]
  for (let at = 0; at < data.length; at += 4)
    for (const c of [0, 1, 2]) sums[c] = (sums[c] ?? 0) + (data[at + c] ?? 0)
  return sums.map((sum) => (sum * 4) / data.length)
}

/**
 * Runs in the page: text with less contrast than 4.5, borders of fields and filled buttons with less than 3, controls
 * without a name or smaller than 24 pixels, wider than the window, headings that skip a level, ids given twice.
 */
function readingFaults(): string[] {
  const faults: string[] = []
  const rgba = (text: string): number[] => (text.match(/[\d.]+/g) ?? []).map(Number)
  const light = (c: number): number =>
    c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4
  const luminance = ([r = 0, g = 0, b = 0]: number[]): number =>
    0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b)
  const contrast = (a: number[], b: number[]): number => {
    const [dark = 0, bright = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
    return (bright + 0.05) / (dark + 0.05)
  }
  const groundOf = (element: Element | null): number[] => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor)
      if ((colour[3] ?? 1) > 0) return colour
    }
    return [255, 255, 255]
  }
  const isShown = (element: Element): boolean =>
    element.checkVisibility({ checkVisibilityCSS: true }) && element.closest('.hidden') === null
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    if (element === null || !walker.currentNode.textContent?.trim() || !isShown(element)) continue
    const found = contrast(rgba(getComputedStyle(element).color), groundOf(element))
    if (found < 4.5) faults.push(`contrast ${found.toFixed(2)}: ${walker.currentNode.textContent}`)
  }
  for (const control of document.querySelectorAll<HTMLElement>(
    'input, textarea, select, button, a, summary',
  )) {
    if (!isShown(control)) continue
    const style = getComputedStyle(control)
    if (control.matches('input, textarea, select, .button.quiet')) {
      const found = contrast(rgba(style.borderTopColor), groundOf(control.parentElement))
      if (found < 3) faults.push(`border ${found.toFixed(2)}: #${control.id}`)
    }
    const labels = (control as HTMLInputElement).labels
    const name = control.getAttribute('aria-label') ?? (labels?.[0] ?? control).textContent
    if (!name?.trim()) faults.push(`no name: ${control.outerHTML.slice(0, 80)}`)
    const { width, height } = control.getBoundingClientRect()
    if (!control.matches('p a') && (width < 24 || height < 24)) faults.push(`small: ${name}`)
  }
  for (const image of document.querySelectorAll('img')) if (image.alt === '') faults.push('img without alt')
  if (document.documentElement.scrollWidth > innerWidth) faults.push('wider than the window')
  const levels = [...document.querySelectorAll('h1, h2, h3, h4')]
    .filter(isShown)
    .map((it) => Number(it.tagName[1]))
  if (levels[0] !== 1 || levels.some((level, index) => level > (levels[index - 1] ?? 0) + 1))
    faults.push('headings')
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
  if (new Set(ids).size < ids.length) faults.push('ids given twice')
  if (document.documentElement.lang === '') faults.push('no language')
  return faults
}
