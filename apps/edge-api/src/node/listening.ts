import type { EdgeApi } from '../app.js'

/** For answers that are on their way when all work has ended. */
export const LAST_ANSWERS_MS = 2_000

/** What a server is started with. */
export interface Listener {
  readonly fetch: EdgeApi['fetch']
  readonly hostname: string
  /** 0: any that is free. */
  readonly port: number
  /** Bytes of the largest body that the app reads. */
  readonly mostBytes: number
  /** Time that the app gives a body. */
  readonly bodyMs: number
}

/** A server that takes connections. */
export interface Listening {
  readonly port: number
  /** Takes no more connections, lets answers that are nearly out go out, and ends what is left. */
  stop(): Promise<void>
}

/** Starts the server of a platform; all that differs between Node, Bun and Deno. */
export type Listen = (listener: Listener) => Promise<Listening>
