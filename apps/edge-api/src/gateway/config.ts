import { z } from 'zod'
import { type Environment, keys, list, readEnvironment, whole } from '../environment.js'
import { DEFAULT_LIMITS } from '../limits.js'

const MEBIBYTE = 2 ** 20
/** A Worker has 128 MiB for all requests of the moment, and JSON is held a few times over. */
const MOST_BODY_MEBIBYTES = 32

export const environment = z.object({
  LONGTAKE_UPSTREAM: z
    .string()
    .refine(isUpstream, 'expected https://HOST, or http: on loopback, without user, query or fragment'),
  LONGTAKE_UPSTREAM_KEY: z.string().regex(/^[\x21-\x7e]{1,512}$/, 'expected a key'),
  LONGTAKE_KEYS: keys.pipe(z.array(z.string()).min(1, 'expected at least one key')),
  LONGTAKE_CORS: list.default([]),
  LONGTAKE_LOG: z.enum(['info', 'error', 'silent']).default('info'),
  LONGTAKE_MAX_FRAMES: whole(DEFAULT_LIMITS.maxFrames, 1, 65_536),
  LONGTAKE_MAX_CACHE_MIB: whole(DEFAULT_LIMITS.maxCacheBytes / MEBIBYTE, 1, 1_000_000),
  LONGTAKE_MAX_BODY_MIB: whole(8, 1, MOST_BODY_MEBIBYTES),
  LONGTAKE_MAX_UPLOAD_MIB: whole(DEFAULT_LIMITS.maxUploadBytes / MEBIBYTE, 1, 2047),
  LONGTAKE_REQUESTS_PER_MINUTE: whole(DEFAULT_LIMITS.requestsPerMinute, 1, 1_000_000),
  LONGTAKE_QUESTIONS_PER_DAY: whole(DEFAULT_LIMITS.questionsPerDay, 1, 100_000_000),
  LONGTAKE_DEADLINE_SECONDS: whole(DEFAULT_LIMITS.deadlineSeconds, 1, 600_000),
})

export type GatewayConfig = ReturnType<typeof readGatewayConfig>

/**
 * Reads the configuration of a gateway.
 *
 * @throws {SettingsError} Naming every mistake at once.
 */
export function readGatewayConfig(given: Environment) {
  const env = readEnvironment(environment, given)
  return {
    upstream: env.LONGTAKE_UPSTREAM.replace(/\/+$/, ''),
    upstreamKey: env.LONGTAKE_UPSTREAM_KEY,
    keys: env.LONGTAKE_KEYS,
    corsOrigins: env.LONGTAKE_CORS,
    logLevel: env.LONGTAKE_LOG,
    limits: {
      maxFrames: env.LONGTAKE_MAX_FRAMES,
      maxCacheBytes: env.LONGTAKE_MAX_CACHE_MIB * MEBIBYTE,
      maxBodyBytes: env.LONGTAKE_MAX_BODY_MIB * MEBIBYTE,
      maxUploadBytes: env.LONGTAKE_MAX_UPLOAD_MIB * MEBIBYTE,
      bodyMs: DEFAULT_LIMITS.bodyMs,
      maxTextCharacters: DEFAULT_LIMITS.maxTextCharacters,
      requestsPerMinute: env.LONGTAKE_REQUESTS_PER_MINUTE,
      questionsPerDay: env.LONGTAKE_QUESTIONS_PER_DAY,
      deadlineSeconds: env.LONGTAKE_DEADLINE_SECONDS,
    },
  }
}

/** The engine's key travels with every request, so over the network only encrypted. */
function isUpstream(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password, search, hash } = new URL(text)
  if (username !== '' || password !== '' || search !== '' || hash !== '') return false
  const isLoopback = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
  return protocol === 'https:' || (protocol === 'http:' && isLoopback)
}
