import { secureHeaders } from 'hono/secure-headers'
import type { App, Kit, Request } from '../http/context.js'
import { ASSETS } from './assets.js'

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}
/** Stands in `index.html` where the page reads whether it has to ask for a key. */
const KEYS_MARK = '{{keys}}'

/**
 * The page at `/`, where a person asks about a video. It uses the same routes as every other client. To be added before
 * the headers of the rest, because its own policy lets it run its scripts and call this server, and nothing else.
 */
export function addPage(app: App, { services }: Kit): void {
  const headers = secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      connectSrc: ["'self'"],
      // The storyboard comes with a key, so that it has no address of its own.
      imgSrc: ["'self'", 'blob:'],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
      requireTrustedTypesFor: ["'script'"],
      trustedTypes: ["'none'"],
    },
    referrerPolicy: 'no-referrer',
    xFrameOptions: 'DENY',
  })
  const keys = services.keys.open === undefined ? 'needed' : 'none'
  for (const [name, text] of Object.entries(ASSETS)) {
    const path = pathOf(name)
    const body = name === 'index.html' ? text.replace(KEYS_MARK, keys) : text
    const tag = entityTag(body)
    app.get(path, headers, async (c) => answer(c, path, body, await tag))
  }
}

function pathOf(name: string): string {
  return name === 'index.html' ? '/' : `/page/${name}`
}

/** Where the page and its files are. */
export const PAGE_PATHS = Object.keys(ASSETS).map(pathOf)

function answer(c: Request, route: string, body: string, tag: string): Response {
  c.set('route', route)
  // Asked for again every time, so that all files are of one version.
  const headers = { 'Cache-Control': 'no-cache', ETag: tag }
  if (c.req.header('if-none-match') === tag) return c.body(null, 304, headers)
  const type = TYPES[/\w+$/.exec(route)?.[0] ?? 'html'] ?? 'text/html; charset=utf-8'
  return c.body(body, 200, { ...headers, 'Content-Type': type })
}

async function entityTag(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return `"${[...new Uint8Array(hash, 0, 12)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}"`
}
