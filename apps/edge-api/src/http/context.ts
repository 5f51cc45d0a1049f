import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Limits } from '../limits.js'
import type { Caller, Services } from '../services.js'
import type { Studio } from '../videos/studio.js'
import type { Allowances } from './allowances.js'
import type { Room } from './room.js'

/** What middleware leaves for routes. */
export interface Env {
  Variables: {
    requestId: string
    caller: Caller
    /** Pattern of the route that answered; metrics and logs show it instead of the path. */
    route: string
    /** The error that was answered, for the log. */
    failure: unknown
    /** Bytes of the body that are held until the request was handled. */
    heldBytes: number
  }
}

export type App = OpenAPIHono<Env>
export type Request = Context<Env>

/** What reading a body needs. */
export interface BodyKit {
  readonly bodies: Room
  readonly services: { readonly limits: Pick<Limits, 'maxBodyBytes' | 'bodyMs'> }
}

/** What routes work with. */
export interface Kit {
  readonly services: Services
  readonly studio: Studio
  readonly allowances: Allowances
  /** Bytes of all bodies that are being handled. */
  readonly bodies: Room
  /** Plans that are being made: they open videos outside the queue. */
  readonly plans: Room
  /** Whether the server is about to end. */
  readonly isDraining: () => boolean
}
