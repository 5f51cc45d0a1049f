import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { rolldown } from 'rolldown'
import { findChromium, startBrowser } from '../../apps/edge-api/test/browser.js'
import type * as Web from '../../packages/runtime/src/web/index.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const ENTRY = join(ROOT, 'packages/runtime/src/web/index.ts')
const WORKER = join(ROOT, 'packages/runtime/src/web/template-worker.ts')
/** What onnxruntime-web looks for beside its module. */
const WASM = /^\/ort-wasm-simd-threaded(\.asyncify)?\.wasm$/

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
}

/** Longest that one piece of work in a page may take. */
const PAGE_TIMEOUT_MS = 60_000

/** The browser entry as modules that import nothing else, by file name. */
export async function bundleWeb(
  external: (id: string) => boolean = () => false,
): Promise<ReadonlyMap<string, string>> {
  const build = await rolldown({
    input: { longtake: ENTRY, 'template-worker': WORKER },
    // The sources are bundled: `.js` in them means `.ts`.
    resolve: {
      conditionNames: ['@longtake/source', 'browser', 'import', 'default'],
      extensionAlias: { '.js': ['.ts', '.js'] },
    },
    platform: 'browser',
    // What cannot be found stays an import, and fails the test that there are none.
    external: (id) => id.startsWith('node:') || external(id),
    logLevel: 'silent',
  })
  try {
    const { output } = await build.generate({ format: 'esm', entryFileNames: '[name].js', minify: true })
    return new Map(output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file.code]] : [])))
  } finally {
    await build.close()
  }
}

/** A page in Chromium in which the module is at hand as `longtake`. */
export interface WebPage extends AsyncDisposable {
  readonly page: Page
  /** Addresses beyond this machine's own server that the page asked for. */
  readonly foreign: readonly string[]
}

/** The type of `longtake` in a page. */
type WebModule = typeof Web

declare global {
  /** `@longtake/runtime/web`, where code runs in a page. */
  var longtake: WebModule
}

export const chromium = findChromium()

export interface WebPageOptions {
  /** Beside those of every answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** Answers of the server's own, by path. */
  readonly routes?: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>>
  /** Switches of the browser. */
  readonly args?: readonly string[]
}

/**
 * Serves the bundle, the embedded checkpoint at `/checkpoint/` and the tests' data at `/data/`, and opens a page of it.
 */
export async function openWebPage({
  headers = {},
  routes = {},
  args = [],
}: WebPageOptions = {}): Promise<WebPage> {
  const files = await bundleWeb()
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname))
    const route = routes[path]
    if (route !== undefined) return route(request, response)
    const content = path === '/' ? '<!doctype html><title>Longtake</title>' : await read(path, files)
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.setHeader(
      'content-type',
      TYPES[path === '/' ? '.html' : extname(path)] ?? 'application/octet-stream',
    )
    response.statusCode = content === undefined ? 404 : 200
    response.end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const browser = await startBrowser(chromium ?? '', args)
  const page = await browser.newPage()
  page.setDefaultTimeout(PAGE_TIMEOUT_MS)
  const foreign: string[] = []
  page.on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(origin)) foreign.push(request.url())
  })
  await page.goto(origin)
  await page.addScriptTag({
    type: 'module',
    content: "globalThis.longtake = await import('/longtake.js')",
  })
  await page.waitForFunction(() => 'longtake' in globalThis)
  return {
    page,
    foreign,
    async [Symbol.asyncDispose]() {
      await browser.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function read(
  path: string,
  bundle: ReadonlyMap<string, string>,
): Promise<string | Uint8Array | undefined> {
  const code = bundle.get(path.slice(1))
  if (code !== undefined) return code
  const file = fileOf(path)
  return file === undefined ? undefined : readFile(join(ROOT, file)).catch(() => undefined)
}

function fileOf(path: string): string | undefined {
  if (WASM.test(path)) return `node_modules/onnxruntime-web/dist${path}`
  if (path.startsWith('/checkpoint/')) return `packages/tiny${path}`
  return path.startsWith('/data/') ? `tests${path}` : undefined
}
