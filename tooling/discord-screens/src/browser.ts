import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import { chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const WIDTH = 720
const SCALE = 1.5

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
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  return {
    async draw(html) {
      const page = await browser.newPage({
        viewport: { width: WIDTH, height: 200 },
        deviceScaleFactor: SCALE,
      })
      await page.setContent(html, { waitUntil: 'load' })
      const png = await page.locator('body').screenshot()
      await page.close()
      return png
    },
    close: () => browser.close(),
  }
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
