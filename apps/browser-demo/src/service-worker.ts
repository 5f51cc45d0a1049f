/** The page's files, and a name that changes with them. */
declare const FILES: readonly string[]
declare const VERSION: string

const worker = self as unknown as ServiceWorkerGlobalScope
const CACHE = `longtake-${VERSION}`

/** With these a page may measure its memory and use several threads. */
const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}

worker.addEventListener('install', (event) => {
  event.waitUntil(keep().then(() => worker.skipWaiting()))
})

worker.addEventListener('activate', (event) => {
  event.waitUntil(forgetOthers().then(() => worker.clients.claim()))
})

worker.addEventListener('fetch', (event) => {
  if (event.request.method === 'GET' && new URL(event.request.url).origin === worker.location.origin)
    event.respondWith(answer(event.request))
})

async function keep(): Promise<void> {
  const cache = await caches.open(CACHE)
  await cache.addAll(FILES)
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys()
  const old = names.filter((name) => name.startsWith('longtake-') && name !== CACHE)
  await Promise.all(old.map((name) => caches.delete(name)))
}

/** What is kept comes first. A checkpoint lacks files that are looked for, which is no failure of the network. */
async function answer(request: Request): Promise<Response> {
  const kept = await caches.match(request, { cacheName: CACHE, ignoreSearch: true })
  const response = kept ?? (await fetch(request).catch(() => new Response(null, { status: 404 })))
  if (response.type === 'opaque' || response.status === 0) return response
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value)
  const { status, statusText } = response
  return new Response(status === 204 || status === 304 ? null : response.body, {
    status,
    statusText,
    headers,
  })
}
