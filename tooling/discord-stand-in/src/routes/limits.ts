import type { RateLimit } from '../rest/route.js'

/**
 * Discord does not publish its per-route limits and asks clients to read the headers:
 * https://docs.discord.com/developers/topics/rate-limits. These are of the order that its headers have shown.
 */
export const LIMITS = {
  default: { calls: 10, windowMs: 10_000 },
  often: { calls: 30, windowMs: 5000 },
  messages: { calls: 5, windowMs: 5000 },
  deletes: { calls: 5, windowMs: 1000 },
  webhooks: { calls: 5, windowMs: 2000 },
  /** Each interaction has its own route in effect: it is answered once. */
  callbacks: { calls: 1000, windowMs: 1000 },
} as const satisfies Record<string, RateLimit>
