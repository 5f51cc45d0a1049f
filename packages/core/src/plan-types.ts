import type { ClipLayout, KvCacheType, PoolingMethod, RopeScaling, RopeType, Triple } from './spec.js'

/** How pictures are read: at the nearest keyframe, or decoded to the exact time. */
export type SamplingMode = 'keyframe' | 'exact'

/** Pooling with windows of one's own: `kernel`, with or without `stride`, or `shape`, not both. */
export interface PoolingOptions {
  readonly method: PoolingMethod
  /** Window, 1 to the volume on each axis. For still images the first number counts images. */
  readonly kernel?: Triple | undefined
  /** Step between windows. Default `kernel`, so that windows neither overlap nor leave gaps. */
  readonly stride?: Triple | undefined
  /** Windows along each axis; kernel and stride follow from it and leave nothing out. */
  readonly shape?: Triple | undefined
}

/** What a caller may ask of a plan. Every field has a default. */
export interface PlanOptions {
  /**
   * Frames to sample, 1 to `MAX_FRAMES`, rounded up to whole clips of the encoder; `'auto'` (the default) takes no
   * more than the video has distinct pictures. Without pooling that is the checkpoint's own number, or what
   * `tokenBudget` holds; with pooling it grows with the length, to the checkpoint's `mostFrames`.
   */
  readonly frames?: number | 'auto' | undefined
  /** Sampled frames per second of video instead of `frames`; capped by `maxFrames`. Not together with a numeric `frames`. */
  readonly fps?: number | undefined
  /** Most frames that `'auto'` or `fps` may choose; also bounds `frames`. Default 256 with `fps`. */
  readonly maxFrames?: number | undefined
  /** Part to watch: seconds after the video's first picture. Default 0. */
  readonly startSeconds?: number | undefined
  /** End of the part to watch: seconds after the video's first picture. Default the video's end. */
  readonly endSeconds?: number | undefined
  /** Which frames share a clip, and the order of their tokens. Default `interleaved`; images are `contiguous`. */
  readonly layout?: ClipLayout | undefined
  /**
   * RoPE type, used with the factor the context needs where it is longer than in training; or a whole scaling,
   * taken as it is at any length. Default the checkpoint's.
   */
  readonly rope?: RopeType | RopeScaling | undefined
  /**
   * Storage of keys and values. `'auto'` (the default): the checkpoint's own, or the next smaller type that
   * `memoryBudgetBytes` holds; without a budget the smallest, or what 5 GiB hold.
   */
  readonly kvCache?: KvCacheType | 'auto' | undefined
  /** `'auto'` (default) snaps to keyframes where that moves a picture little. */
  readonly sampling?: SamplingMode | 'auto' | undefined
  /** Tokens to reserve for text, all of a conversation's template and questions. Default 256, at most a quarter of the trained context. */
  readonly promptTokens?: number | undefined
  /** Tokens to reserve for generated text. Default 256, at most a quarter of the trained context. */
  readonly maxNewTokens?: number | undefined
  /** Tokens per prefill step, 1 to `MAX_PREFILL_CHUNK`. Default 512. */
  readonly prefillChunk?: number | undefined
  /** Most bytes that the KV cache may take; a plan that exceeds it is refused. Default none. */
  readonly memoryBudgetBytes?: number | undefined
  /** How visual tokens are merged before they enter the context. Default the checkpoint's. */
  readonly pooling?: PoolingMethod | PoolingOptions | undefined
  /**
   * Most visual tokens in the context, 1 or more. Where tokens are pooled, windows follow from it; otherwise it
   * bounds the frames that `'auto'` takes. Default the checkpoint's, where it pools.
   */
  readonly tokenBudget?: number | undefined
}

/** How tokens are pooled. The axes are frames in the order of the context, rows and columns of patches. */
export interface PoolingPlan {
  readonly method: Exclude<PoolingMethod, 'none'>
  readonly kernel: Triple
  readonly stride: Triple
  /** `[F, H, W]`: patches before pooling. */
  readonly grid: Triple
  /** Windows along each axis; tokens are in this order: time-major, then rows, then columns. */
  readonly shape: Triple
  /** Tokens after pooling: the product of `shape`. */
  readonly tokens: number
  /** Tokens of F frames without pooling, class tokens included. */
  readonly tokensBefore: number
  /** Temperature of the softmax inside a window; read by `guided` only. */
  readonly temperature: number
}

/**
 * How one still image enters in tiles: first the whole image, resized to one tile, then the tiles' patches row by row
 * over all tiles, without those of the padding, a line break after each row. Pairs are vertical, then horizontal.
 */
export interface StillCrops {
  /** The image, pixels. */
  readonly size: readonly [height: number, width: number]
  /** What is cut into tiles, pixels. */
  readonly resolution: readonly [height: number, width: number]
  /** The image in the middle of it, pixels; black around it. */
  readonly resized: readonly [height: number, width: number]
  /** Tiles of the encoder's size. */
  readonly tiles: readonly [rows: number, columns: number]
  /** First patch that enters, over all tiles. */
  readonly offset: readonly [row: number, column: number]
  /** Patches that enter: those of the padding do not. */
  readonly patches: readonly [rows: number, columns: number]
  /** The whole image's tokens, `patches`, and a line break for each of their rows. */
  readonly tokens: number
}

/** RoPE as the decoder's tables are computed from it. */
export interface RopePlan {
  readonly type: RopeType
  /** Factor of the formula: s where the plan extends, the checkpoint's or caller's own otherwise; 1 = no scaling. */
  readonly scale: number
  /** Base of the angles after scaling; only `ntk` and `dynamic` change it. */
  readonly theta: number
  /** Angle per position of each dimension pair, `[headDim / 2]`, radians. */
  readonly inverseFrequencies: readonly number[]
  /** Factor on cosines and sines; 1 but for `yarn`. */
  readonly attentionFactor: number
}

/** Everything that is decided before anything runs. Plain data that survives JSON. */
export interface VideoPlan {
  /** F: frames that are sampled, whole clips of the encoder. Images: each as often as fills a clip; their tiles are no frames. */
  readonly frames: number
  /** Frames that were asked for, or chosen, before rounding up. */
  readonly framesRequested: number
  /** What the user should know: rounding, repeated pictures, snapping, limits of the checkpoint. */
  readonly notes: readonly string[]
  /** Presentation times to read, `[F]` seconds, in time order. Images: the index of each frame's image. */
  readonly timestamps: readonly number[]
  readonly sampling: SamplingMode
  /** Frame indices of each clip in slot order, `[F / N][N]`, where N is what the encoder takes. */
  readonly clips: readonly (readonly number[])[]
  readonly layout: ClipLayout
  /** `[F]`: position in the context to index into the concatenated clips. */
  readonly order: readonly number[]
  /** `null`: every token of every frame enters the context. */
  readonly pooling: PoolingPlan | null
  /** How each still image is cut; absent where frames, and images, enter whole. */
  readonly crops?: readonly StillCrops[]
  /** Frames that go with each question, at most F; only where the model runs elsewhere. */
  readonly sent?: number
  /** Visual tokens in the context: of all frames together, after pooling; of those that are sent. */
  readonly visualTokens: number
  /** Those among them that follow the last frame's and belong to none, such as a line break. */
  readonly trailingTokens: number
  /** Capacity of the KV cache: visual, prompt and generated tokens. */
  readonly contextTokens: number
  /** Generated tokens among them: what an answer may have when nothing else is said. */
  readonly maxNewTokens: number
  readonly rope: RopePlan
  readonly kvCache: { readonly type: KvCacheType; readonly bytes: number }
  /** Steps of `prefillChunk` tokens that take in the visual and prompt tokens. */
  readonly prefillChunks: number
  readonly prefillChunk: number
}
