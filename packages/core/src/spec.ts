/** RoPE scaling as a checkpoint's `rope_scaling` names it, or as a plan chooses it. */
export type RopeScaling =
  | { readonly type: 'none' }
  | { readonly type: 'linear'; readonly factor: number }
  | { readonly type: 'ntk'; readonly factor: number }
  | { readonly type: 'dynamic'; readonly factor: number; readonly originalLength: number }
  | {
      readonly type: 'yarn'
      readonly factor: number
      readonly originalLength: number
      readonly betaFast?: number
      readonly betaSlow?: number
      readonly attentionFactor?: number
    }
  | {
      readonly type: 'llama3'
      readonly factor: number
      readonly originalLength: number
      readonly lowFrequencyFactor: number
      readonly highFrequencyFactor: number
    }

export type RopeType = RopeScaling['type']

/** Storage of cached keys and values. `int8` and `int4` are block-free: keys and values per channel. */
export type KvCacheType = 'fp32' | 'int8' | 'int4'

/** How frames are grouped into clips, and in which order their tokens enter the context. */
export type ClipLayout = 'interleaved' | 'contiguous' | 'unordered'

/** Frames, rows, columns: of a volume of patches, or of a window in it. */
export type Triple = readonly [frames: number, rows: number, columns: number]

/**
 * What happens to the patches of a window: `none` keeps every token, `average` and `max` merge them alike, `guided`
 * weighs each by how well it matches the question.
 */
export type PoolingMethod = 'none' | 'average' | 'max' | 'guided'

/** What planning must know of a checkpoint. Plain data: it can be sent to a machine without the model. */
export interface ModelSpec {
  /** Checkpoint family, such as `video_llava`. */
  readonly family: string
  readonly encoder: {
    /** N: frames that the encoder takes at once. 1 = each frame on its own, so rearrangement changes nothing. */
    readonly framesPerClip: number
    /** Side of the square input picture, pixels. */
    readonly imageSize: number
    /** Visual tokens that one frame puts into the context without pooling: the grid's, and the class token's. */
    readonly tokensPerFrame: number
    /** `[H, W]` patches of one frame, after merging that the checkpoint itself always does. */
    readonly grid: readonly [rows: number, columns: number]
    /** Whether a class token precedes the patches of each frame. Pooling drops it. */
    readonly classToken: boolean
    /** Frames that a temporal branch can take at once, where it takes any number from 1; absent where it takes N. */
    readonly mostFramesPerClip?: number
    /** Tokens that follow the last frame's in the context and belong to none, such as a line break; absent = 0. */
    readonly trailingTokens?: number
    /**
     * Where still images enter otherwise than frames do: with line breaks among their tokens. An image that is alone and
     * not cut is followed by one.
     */
    readonly stills?: {
      /**
       * `[height, width]` pixels, whole multiples of `imageSize`. The best one for an image is cut into tiles, which
       * enter beside the whole image; none: images enter whole. Pooled images enter whole too.
       */
      readonly resolutions: readonly (readonly [height: number, width: number])[]
    }
  }
  /**
   * Present where the model runs behind somebody's API and is given pictures and words. Of its decoder, RoPE and KV cache
   * nothing is known then; `context.trainedLength` is what it is said to hold, `encoder.tokensPerFrame` an estimate.
   */
  readonly remote?: {
    /** Most frames that go with a question. Where more are sampled, each question chooses among them. */
    readonly sendFrames: number
  }
  readonly decoder: {
    readonly layers: number
    readonly kvHeads: number
    readonly headDim: number
    readonly hiddenSize: number
    readonly vocabularySize: number
  }
  readonly rope: {
    readonly theta: number
    /** Scaling that the checkpoint itself was trained with; a plan that extends further multiplies onto it. */
    readonly scaling: RopeScaling
  }
  readonly context: {
    /** L: longest context the model really saw in training, tokens. The base of every extension. */
    readonly trainedLength: number
    /** Length the config names, tokens. */
    readonly nominalLength: number
  }
  readonly pooling: {
    /** Whether the checkpoint has a text guide. Without one it can still pool by `average` and `max`. */
    readonly guided: boolean
    /** Temperature of the softmax inside a window, for `guided`. */
    readonly temperature: number
    /** Window and step for videos. */
    readonly kernel: Triple
    readonly stride: Triple
    /** Window and step for still images; the first number counts images. */
    readonly imageKernel: Triple
    readonly imageStride: Triple
  }
  /** What the checkpoint does best with, when nothing else is asked. */
  readonly defaults: {
    readonly frames: number
    readonly ropeType: RopeType
    readonly kvCache: KvCacheType
    readonly pooling: PoolingMethod
    /** Most visual tokens to pool to; `undefined` = as many as the checkpoint's own window gives. */
    readonly tokenBudget: number | undefined
    /** Most frames that `frames: 'auto'` chooses where tokens are pooled; at least `frames`. */
    readonly mostFrames: number
  }
}

/** What planning must know of a video. */
export interface VideoFacts {
  /** First presentation time, seconds; may be negative or above 0. */
  readonly startSeconds: number
  /** Length, seconds; 0 for a still. */
  readonly durationSeconds: number
  /** Number of pictures where it is known. */
  readonly frameCount?: number
  /** Pictures per second, mean. */
  readonly framesPerSecond?: number
  /** Largest distance between keyframes that was seen, seconds; absent when unknown. */
  readonly keyframeIntervalSeconds?: number
  readonly width: number
  readonly height: number
  readonly codec: string
  /** Number of still images, where the input is images instead of a video: each then stands for itself. */
  readonly stills?: number
  /** `[height, width]` pixels of each still image, where they differ; absent: all are `height` × `width`. */
  readonly stillSizes?: readonly (readonly [height: number, width: number])[]
}
