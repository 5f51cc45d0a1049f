import { newKey, type RunningServer, serve } from '../src/node/index.js'

const ann = newKey('ann')
const bob = newKey('bob')

/** Keys of two callers. */
export const KEYS = { ann: ann.key, bob: bob.key }

/** Lets links lead to the test's own server. */
const LOOPBACK_LINKS = { LONGTAKE_LINK_NETWORKS: '127.0.0.0/8', LONGTAKE_LINK_PORTS: 'any' }

/** A server on a free port, for `KEYS`, quiet. */
export function startApi(env: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
  return serve({
    LONGTAKE_HOST: '127.0.0.1',
    LONGTAKE_PORT: '0',
    LONGTAKE_LOG: 'silent',
    // Processes are started from what was built, tests run the sources; `tests/edge-api-*.test.ts` start them.
    LONGTAKE_ISOLATE: '0',
    LONGTAKE_KEYS: `${ann.entry},${bob.entry}`,
    ...LOOPBACK_LINKS,
    ...env,
  })
}

export interface CallOptions {
  readonly method?: string
  readonly body?: unknown
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A request with a key, and JSON where there is a body. */
export function call(url: string, options: CallOptions = {}): Promise<Response> {
  const { body, key = KEYS.ann, method = body === undefined ? 'GET' : 'POST', headers } = options
  const isForm = body instanceof FormData
  return fetch(url, {
    method,
    headers: {
      Authorization: `Bearer ${key}`,
      ...(body !== undefined && !isForm && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: isForm || typeof body === 'string' ? body : JSON.stringify(body) }),
  })
}

/** A question about one video. */
export function question(
  url: string,
  text = 'Which shape is at the start of the video?',
  fields: object = {},
) {
  const content = [
    { type: 'video_url', video_url: { url } },
    { type: 'text', text },
  ]
  return { model: '@longtake/tiny', messages: [{ role: 'user', content }], ...fields }
}
