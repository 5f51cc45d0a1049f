/**
 * Most frames a plan may ask for. 4,096 is one picture every 2 seconds of a film; at the 257 tokens a frame of
 * Video-LLaVA it is a million tokens, beyond every published context. It stops typing mistakes, not use.
 */
export const MAX_FRAMES = 4096

/** Frames that `fps` may choose when `maxFrames` is not given: four times what the paper goes up to. */
export const DEFAULT_MAX_FRAMES = 256

/**
 * Seconds of video for each frame that `frames: 'auto'` chooses where tokens are pooled: a frame a second, the rate that
 * most video models are trained at, until the checkpoint's largest number of frames is reached.
 */
export const AUTO_SECONDS_PER_FRAME = 1

/** Share by which an automatic number of frames may change so that all windows are equally long. */
export const EVEN_FRAMES_SHARE = 1 / 4

/** Steps along time that even windows use at least: all there is room for if possible, else three quarters. */
export const EVEN_STEPS_SHARES: readonly number[] = [1, 3 / 4]

/** Most tokens of text a plan may reserve: the longest contexts known are about a million tokens. */
export const MAX_TEXT_TOKENS = 1 << 20

/** Text tokens reserved when nothing is said, each for prompts and for answers. */
export const DEFAULT_TEXT_TOKENS = 256

/** Each text reserve takes at most this share of the trained context by default, so that pictures keep half. */
export const DEFAULT_TEXT_SHARE = 1 / 4

/** Longest context that tables and caches are computed for: the positions a decoder graph counts in int32, with room. */
export const MAX_CONTEXT_TOKENS = 1 << 24

/** Attention over a chunk holds chunk × context probabilities per head; 512 keeps that small and cancelling quick. */
export const DEFAULT_PREFILL_CHUNK = 512

/**
 * Memory that a KV cache takes where nothing is said of it: larger ones take the next smaller type. 5 GiB hold 64
 * frames of Video-LLaVA in 8 bits, and leave room for its 7 billion parameters in 4 bits on a machine of 16 GB.
 */
export const DEFAULT_KV_CACHE_BYTES = 5 * 2 ** 30

/** Longest prefill step: past it one step outlasts any patience and its attention any memory. */
export const MAX_PREFILL_CHUNK = 1 << 16

/** Snapping to keyframes may move a picture by this share of the distance between samples, so that none leaves its span. */
export const MAX_SNAP_SHARE = 1 / 4

/**
 * Largest RoPE factor: one trained token stretched to the longest context. Bounds keep every angle finite.
 *
 * @alias
 */
export const MAX_ROPE_FACTOR = MAX_CONTEXT_TOKENS

/** Largest RoPE base; the largest in use is about 1e9. */
export const MAX_ROPE_THETA = 1e12

/** Presentation times and lengths lie within ±1e12 s (thirty thousand years), where float64 still tells milliseconds. */
export const MAX_SECONDS = 1e12
