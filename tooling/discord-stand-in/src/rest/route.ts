import type { JsonObject } from '../json.js'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A file of a multipart body: `files[2]` has the number 2. */
export interface UploadedFile {
  readonly number: string
  readonly filename: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** A request that found its route. */
export interface Call {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** The JSON body; undefined without one. */
  readonly body: unknown
  readonly files: readonly UploadedFile[]
}

export interface Reply {
  readonly status: number
  readonly body?: JsonObject | readonly JsonObject[]
}

export interface Route {
  readonly method: Method
  /** Such as `/channels/:channel/messages`. The bucket goes by it and by the first id in it. */
  readonly path: string
  /** `token` routes carry an interaction's token in their path; others need the bot's. */
  readonly auth: 'bot' | 'token'
  readonly limit: RateLimit
  readonly handle: (call: Call) => Reply
}

/** So many calls in a window. */
export interface RateLimit {
  readonly calls: number
  readonly windowMs: number
}

export const NO_CONTENT: Reply = { status: 204 }

export function ok(body: JsonObject | readonly JsonObject[]): Reply {
  return { status: 200, body }
}

export function param(call: Call, name: string): string {
  return call.params[name] ?? ''
}

/** The parts that a path gives a route, or undefined where it is not the route's. */
export function matchPath(route: string, path: string): Record<string, string> | undefined {
  const wanted = route.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = decodeURIComponent(given[index] ?? '')
    if (part.startsWith(':')) params[part.slice(1)] = value
    else if (part !== value) return undefined
  }
  return params
}
