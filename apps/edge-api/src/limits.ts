/** What callers may cost. */
export interface Limits {
  /** Bytes of a JSON body, `data:` URIs included. */
  readonly maxBodyBytes: number
  /** Bytes of an uploaded file. */
  readonly maxUploadBytes: number
  /** Milliseconds until a body has arrived whole. */
  readonly bodyMs: number
  /** Characters of all texts of a request. */
  readonly maxTextCharacters: number
  /** Frames of a video. */
  readonly maxFrames: number
  /** Tokens of an answer. */
  readonly maxTokens: number
  /** Bytes of a KV cache. */
  readonly maxCacheBytes: number
  /** Seconds that a video is known after it was last used. */
  readonly videoTtlSeconds: number
  /** Videos of one key. */
  readonly videosPerKey: number
  /** Uploaded bytes of one key. */
  readonly bytesPerKey: number
  /** Watched videos kept open for follow-ups. */
  readonly openVideos: number
  /** Questions and videos that are worked on at once. */
  readonly concurrency: number
  readonly requestsPerMinute: number
  readonly questionsPerDay: number
  /** Seconds until a question must be answered, waiting included. */
  readonly deadlineSeconds: number
  /** Milliseconds between signs of life in a stream. */
  readonly pingMs: number
}

const MEBIBYTE = 2 ** 20

/** The limits where an operator says nothing. */
export const DEFAULT_LIMITS: Limits = {
  maxBodyBytes: 16 * MEBIBYTE,
  maxUploadBytes: 128 * MEBIBYTE,
  bodyMs: 120_000,
  maxTextCharacters: 100_000,
  maxFrames: 256,
  maxTokens: 1024,
  maxCacheBytes: 4096 * MEBIBYTE,
  videoTtlSeconds: 3600,
  videosPerKey: 50,
  bytesPerKey: 1024 * MEBIBYTE,
  openVideos: 4,
  concurrency: 1,
  requestsPerMinute: 120,
  questionsPerDay: 10_000,
  deadlineSeconds: 600,
  pingMs: 10_000,
}
