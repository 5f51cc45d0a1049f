/**
 * Prints, as JSON, what the tab of the demo takes after it has watched the sample and answered a question: run it after
 * the build. `LONGTAKE_CHROMIUM` names the browser.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { preview } from 'vite'

const MIB = 2 ** 20
const root = fileURLToPath(new URL('..', import.meta.url))

const server = await preview({ root, preview: { host: '127.0.0.1', port: 0 } })
const executablePath =
  process.env.LONGTAKE_CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim()
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
try {
  const page = await browser.newPage()
  await page.goto(server.resolvedUrls.local[0])
  const before = await rendererBytes()
  await page.getByRole('button', { name: 'Use the sample video' }).click()
  await page.getByText('64 frames watched').waitFor()
  await page.locator('.example').first().click()
  await page.locator('.evidence').waitFor()
  const memory = await page.locator('#memory').textContent()
  const wasmMiB = Number(/(\d+)\sMiB/.exec(memory)?.[1])
  const after = await rendererBytes()
  console.log(
    JSON.stringify({
      browser: browser.version(),
      tabBeforeMiB: Math.round(before / MIB),
      tabAfterMiB: Math.round(after / MIB),
      wasmMiB,
    }),
  )
} finally {
  await browser.close()
  await server.close()
}

/** Memory that the tab's processes share with no other, as Linux counts it. */
async function rendererBytes() {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const ids = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
  return ids.reduce((sum, id) => sum + privateBytes(id), 0)
}

function privateBytes(id) {
  const rollup = readFileSync(`/proc/${id}/smaps_rollup`, 'utf8')
  const lines = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)]
  return lines.reduce((sum, [, kibibytes]) => sum + Number(kibibytes) * 1024, 0)
}
