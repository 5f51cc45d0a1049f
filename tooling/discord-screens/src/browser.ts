import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import { decode, encode } from 'fast-png'
import { type Browser, chromium, type Page } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const WIDTH = 640
/** Pixels of a picture for one of the page: tall pages get fewer, so that pictures stay small. */
const SCALES = { tall: 1, other: 1.25 }
const TALL = 700

/** A browser without a window. */
export interface Drawing {
  /** @returns A PNG of the page's body. */
  draw(html: string): Promise<Uint8Array>
  close(): Promise<void>
}

/**
 * Starts the Chromium of this machine: `LONGTAKE_CHROMIUM`, or the first on the path.
 *
 * @throws {InvalidOptionError} If there is none.
 */
export async function openBrowser(): Promise<Drawing> {
  const executablePath = process.env.LONGTAKE_CHROMIUM || findOnPath()
  if (executablePath === undefined)
    throw new InvalidOptionError('LONGTAKE_CHROMIUM', 'the path of a Chromium', undefined)
  // Its sandbox needs rights that containers do not have; only pages of this repository are opened.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-lcd-text'] })
  return {
    async draw(html) {
      const height = await measure(browser, html)
      const scale = height > TALL ? SCALES.tall : SCALES.other
      const page = await openPage(browser, html, scale)
      const png = await page.locator('body').screenshot()
      await page.close()
      return smaller(png)
    },
    close: () => browser.close(),
  }
}

/** Text alone takes less room without the browser's filters, photographs more. */
function smaller(png: Uint8Array): Uint8Array {
  const again = encode(decode(png), { zlib: { level: 9 } })
  return again.length < png.length ? again : png
}

async function openPage(browser: Browser, html: string, deviceScaleFactor: number): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 200 }, deviceScaleFactor })
  await page.setContent(html, { waitUntil: 'load' })
  return page
}

async function measure(browser: Browser, html: string): Promise<number> {
  const page = await openPage(browser, html, 1)
  const box = await page.locator('body').boundingBox()
  await page.close()
  return box?.height ?? 0
}

function findOnPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
