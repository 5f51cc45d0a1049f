import { z } from 'zod'
import { keys, list, readEnvironment, whole } from '../environment.js'
import { DEFAULT_LIMITS } from '../limits.js'
import { linkPolicyOf, linkSettings } from '../link-settings.js'

const mebibytes = (bytes: number): number => bytes / 2 ** 20
const limits = DEFAULT_LIMITS

export const environment = z.object({
  LONGTAKE_HOST: z.string().min(1).optional(),
  LONGTAKE_PORT: whole(8080, 0, 65_535),
  LONGTAKE_MODELS: list.pipe(z.array(z.string()).min(1)).default(['@longtake/tiny']),
  LONGTAKE_REMOTE_KEY: z.string().optional(),
  LONGTAKE_REMOTE_GUIDE: z.string().optional(),
  LONGTAKE_REMOTE_FRAMES: whole(32, 1, 4096),
  LONGTAKE_KEYS: keys.default([]),
  LONGTAKE_KEYS_FILE: z.string().min(1).optional(),
  LONGTAKE_ISOLATE: z.enum(['0', '1']).default('1'),
  LONGTAKE_GATEWAYS: list.default([]),
  LONGTAKE_STATE: z.string().min(1).optional(),
  LONGTAKE_CORS: list.default([]),
  LONGTAKE_LOG: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  LONGTAKE_CONCURRENCY: whole(limits.concurrency, 1, 256),
  LONGTAKE_QUEUE: whole(1000, 1, 1_000_000),
  LONGTAKE_OPEN_VIDEOS: whole(limits.openVideos, 0, 1000),
  LONGTAKE_MAX_FRAMES: whole(limits.maxFrames, 1, 65_536),
  LONGTAKE_MAX_TOKENS: whole(limits.maxTokens, 1, 1_000_000),
  LONGTAKE_MAX_CACHE_MIB: whole(mebibytes(limits.maxCacheBytes), 1, 1_000_000),
  LONGTAKE_MAX_BODY_MIB: whole(mebibytes(limits.maxBodyBytes), 1, 1024),
  LONGTAKE_MAX_UPLOAD_MIB: whole(mebibytes(limits.maxUploadBytes), 1, 2047),
  LONGTAKE_BODY_SECONDS: whole(limits.bodyMs / 1000, 1, 86_400),
  LONGTAKE_MAX_VIDEO_SECONDS: whole(86_400, 1, 10_000_000),
  LONGTAKE_VIDEO_TTL_SECONDS: whole(limits.videoTtlSeconds, 1, 2_000_000),
  LONGTAKE_VIDEOS_PER_KEY: whole(limits.videosPerKey, 1, 100_000),
  LONGTAKE_MIB_PER_KEY: whole(mebibytes(limits.bytesPerKey), 1, 1_000_000),
  LONGTAKE_REQUESTS_PER_MINUTE: whole(limits.requestsPerMinute, 1, 1_000_000),
  LONGTAKE_QUESTIONS_PER_DAY: whole(limits.questionsPerDay, 1, 100_000_000),
  LONGTAKE_DEADLINE_SECONDS: whole(limits.deadlineSeconds, 1, 600_000),
  LONGTAKE_DRAIN_SECONDS: whole(30, 0, 3600),
  LONGTAKE_PING_SECONDS: whole(limits.pingMs / 1000, 1, 3600),
  LONGTAKE_LINK_CACHE_MIB: whole(2048, 0, 100_000_000),
  LONGTAKE_YT_DLP: z.string().min(1).optional(),
  ...linkSettings,
})

export type Config = ReturnType<typeof readConfig>

/**
 * Reads the configuration from environment variables.
 *
 * @throws {SettingsError} Naming every mistake at once.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>) {
  return configOf(readEnvironment(environment, env))
}

function configOf(env: z.output<typeof environment>) {
  const bytes = (count: number): number => count * 2 ** 20
  return {
    host: env.LONGTAKE_HOST,
    port: env.LONGTAKE_PORT,
    models: env.LONGTAKE_MODELS,
    remote: {
      key: env.LONGTAKE_REMOTE_KEY,
      guide: env.LONGTAKE_REMOTE_GUIDE,
      sendFrames: env.LONGTAKE_REMOTE_FRAMES,
    },
    keys: env.LONGTAKE_KEYS,
    keysFile: env.LONGTAKE_KEYS_FILE,
    isIsolated: env.LONGTAKE_ISOLATE === '1',
    gateways: env.LONGTAKE_GATEWAYS,
    stateFolder: env.LONGTAKE_STATE,
    corsOrigins: env.LONGTAKE_CORS,
    logLevel: env.LONGTAKE_LOG,
    mostQueued: env.LONGTAKE_QUEUE,
    maxVideoSeconds: env.LONGTAKE_MAX_VIDEO_SECONDS,
    drainMs: env.LONGTAKE_DRAIN_SECONDS * 1000,
    linkCacheBytes: bytes(env.LONGTAKE_LINK_CACHE_MIB),
    ytDlp: env.LONGTAKE_YT_DLP,
    links: linkPolicyOf(env),
    limits: {
      ...DEFAULT_LIMITS,
      concurrency: env.LONGTAKE_CONCURRENCY,
      openVideos: env.LONGTAKE_OPEN_VIDEOS,
      maxFrames: env.LONGTAKE_MAX_FRAMES,
      maxTokens: env.LONGTAKE_MAX_TOKENS,
      maxCacheBytes: bytes(env.LONGTAKE_MAX_CACHE_MIB),
      maxBodyBytes: bytes(env.LONGTAKE_MAX_BODY_MIB),
      maxUploadBytes: bytes(env.LONGTAKE_MAX_UPLOAD_MIB),
      bodyMs: env.LONGTAKE_BODY_SECONDS * 1000,
      videoTtlSeconds: env.LONGTAKE_VIDEO_TTL_SECONDS,
      videosPerKey: env.LONGTAKE_VIDEOS_PER_KEY,
      bytesPerKey: bytes(env.LONGTAKE_MIB_PER_KEY),
      requestsPerMinute: env.LONGTAKE_REQUESTS_PER_MINUTE,
      questionsPerDay: env.LONGTAKE_QUESTIONS_PER_DAY,
      deadlineSeconds: env.LONGTAKE_DEADLINE_SECONDS,
      pingMs: env.LONGTAKE_PING_SECONDS * 1000,
    },
  }
}
