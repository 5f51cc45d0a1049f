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

/** What planning must know of a checkpoint. Plain data: it can be sent to a machine without the model. */
export interface ModelSpec {
  /** Checkpoint family, such as `video_llava`. */
  readonly family: string
  readonly encoder: {
    /** N: frames that the encoder takes at once. 1 = each frame on its own, so rearrangement changes nothing. */
    readonly framesPerClip: number
    /** Side of the square input picture, pixels. */
    readonly imageSize: number
    /** Visual tokens that one frame puts into the context. */
    readonly tokensPerFrame: number
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
  /** What the checkpoint does best with, when nothing else is asked. */
  readonly defaults: {
    readonly frames: number
    readonly ropeType: RopeType
    readonly kvCache: KvCacheType
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
}
