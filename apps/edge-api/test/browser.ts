import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** A Chromium of this machine: `LONGTAKE_CHROMIUM`, or the first on the path. None is downloaded. */
export function findChromium(): string | undefined {
  const given = process.env.LONGTAKE_CHROMIUM
  if (given) return given
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable)
}

export function startBrowser(executablePath: string, args: readonly string[] = []): Promise<Browser> {
  // Its sandbox needs rights that containers do not have; only pages of this repository are opened.
  return chromium.launch({ executablePath, args: ['--no-sandbox', ...args] })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
