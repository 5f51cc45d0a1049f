import { createHash } from 'node:crypto'
import type { StandInClock } from '../clock.js'
import type { RateLimit, Route } from './route.js'

/** https://docs.discord.com/developers/topics/rate-limits#global-rate-limit */
const GLOBAL: RateLimit = { calls: 50, windowMs: 1000 }

interface Window {
  endsAtMs: number
  used: number
}

/** What a request finds of its limits. */
export interface RateDecision {
  readonly allowed: boolean
  readonly global: boolean
  readonly retryAfterMs: number
  readonly headers: Record<string, string>
}

/**
 * Counts requests per bucket and over all. A bucket is a route with the channel, guild or webhook that its path names.
 * https://docs.discord.com/developers/topics/rate-limits
 */
export class RateLimiter {
  readonly #clock: StandInClock
  readonly #windows = new Map<string, Window>()

  constructor(clock: StandInClock) {
    this.#clock = clock
  }

  take(route: Route, path: string): RateDecision {
    const bucket = createHash('sha256').update(`${route.method} ${route.path}`).digest('hex').slice(0, 32)
    // Routes that carry an interaction's token are not under the global limit.
    if (route.auth === 'bot') {
      const all = this.#window('global', GLOBAL)
      if (all.used >= GLOBAL.calls) return this.#refuse(all, bucket, true, GLOBAL)
      all.used += 1
    }
    const own = this.#window(`${bucket} ${majorPart(path)}`, route.limit)
    if (own.used >= route.limit.calls) return this.#refuse(own, bucket, false, route.limit)
    own.used += 1
    return { allowed: true, global: false, retryAfterMs: 0, headers: this.#headers(own, bucket, route.limit) }
  }

  #window(key: string, limit: RateLimit): Window {
    const now = this.#clock.now()
    const known = this.#windows.get(key)
    if (known !== undefined && known.endsAtMs > now) return known
    const fresh = { endsAtMs: now + limit.windowMs, used: 0 }
    this.#windows.set(key, fresh)
    return fresh
  }

  #refuse(window: Window, bucket: string, global: boolean, limit: RateLimit): RateDecision {
    const retryAfterMs = Math.max(1, window.endsAtMs - this.#clock.now())
    const headers = global ? {} : this.#headers(window, bucket, limit)
    return { allowed: false, global, retryAfterMs, headers }
  }

  #headers(window: Window, bucket: string, limit: RateLimit): Record<string, string> {
    return {
      'X-RateLimit-Limit': String(limit.calls),
      'X-RateLimit-Remaining': String(Math.max(0, limit.calls - window.used)),
      'X-RateLimit-Reset': (window.endsAtMs / 1000).toFixed(3),
      'X-RateLimit-Reset-After': (Math.max(0, window.endsAtMs - this.#clock.now()) / 1000).toFixed(3),
      'X-RateLimit-Bucket': bucket,
    }
  }
}

/** The channel, guild, or webhook with its token, that a path begins with. */
function majorPart(path: string): string {
  return /^\/(?:channels|guilds)\/\d+|^\/webhooks\/\d+\/[^/]+/.exec(path)?.[0] ?? ''
}
