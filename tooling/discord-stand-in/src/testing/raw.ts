import { WebSocket } from 'ws'
import type { Discord } from '../index.js'

export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every form.
  readonly body: any
}

/** Calls the REST API without a library. */
export async function call(
  discord: Discord,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const form = body instanceof FormData
  const response = await fetch(`${discord.rest.api}/v10${path}`, {
    method,
    headers: {
      authorization: `Bot ${discord.token}`,
      ...(body !== undefined && !form && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: form ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
}

/** Errors of a 50035 by the path of their field: `embeds.0.title` → codes. */
export function faultsIn(errors: unknown): Record<string, string[]> {
  return Object.fromEntries(entriesIn(errors, []))
}

function entriesIn(node: unknown, path: readonly string[]): [string, string[]][] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]): [string, string[]][] =>
    key === '_errors'
      ? [[path.join('.'), value.map((one: { code: string }) => one.code)]]
      : entriesIn(value, [...path, key]),
  )
}

/** A gateway connection without a library. */
export class RawGateway {
  readonly frames: { op: number; d: unknown; s: number | null; t: string | null }[] = []
  readonly binary: Buffer[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #socket: WebSocket

  constructor(discord: Discord, query = 'v=10&encoding=json') {
    this.#socket = new WebSocket(`${discord.gateway.url}?${query}`)
    this.#socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.binary.push(data)
      else this.frames.push(JSON.parse(data.toString()))
    })
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    })
    this.#socket.on('error', () => undefined)
  }

  async open(): Promise<this> {
    await new Promise((resolve) => this.#socket.once('open', resolve))
    return this
  }

  send(op: number, d: unknown): void {
    this.#socket.send(JSON.stringify({ op, d }))
  }

  sendText(text: string): void {
    this.#socket.send(text)
  }

  identify(discord: Discord, changes: Record<string, unknown> = {}): this {
    this.send(2, { token: discord.token, intents: 1, properties: {}, ...changes })
    return this
  }

  close(code = 1000): void {
    this.#socket.close(code)
  }
}
