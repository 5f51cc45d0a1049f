/** How the matrices of a graph are stored: as they are, or block-wise quantised (MatMulNBits, blocks of 32). */
export type WeightType = 'fp32' | 'int8' | 'int4'

/** Activation functions by the names that checkpoints use: `quick_gelu` is x·sigmoid(1.702x), `gelu` is exact. */
export type Activation = 'quick_gelu' | 'gelu' | 'gelu_pytorch_tanh'

/** A CLIP vision tower, LanguageBind's with attention over time, or a SigLIP tower. */
export interface VisionConfig {
  /**
   * `clip` (default): class token first, a norm before the first layer. `siglip`: neither of them, and a bias on the
   * patches; excludes `temporalFrames`, `keepClassToken` and `btAdapter`.
   */
  readonly kind?: 'clip' | 'siglip'
  readonly hiddenSize: number
  readonly layers: number
  readonly heads: number
  readonly intermediateSize: number
  /** Side of the square picture, pixels; a rest that fills no patch is left out. */
  readonly imageSize: number
  readonly patchSize: number
  readonly activation: Activation
  readonly layerNormEpsilon: number
  /** N: frames that attend to each other through time. 0 = no temporal attention, each frame on its own. */
  readonly temporalFrames: number
  /**
   * Hidden state that is the result, counted as checkpoints do: 0 = after the embeddings, k = after layer k,
   * negative = from the end (−1 the last layer, −2 the one before it).
   */
  readonly featureLayer: number
  /** Whether the class token stays in the result, at index 0. */
  readonly keepClassToken: boolean
  /** The BT-Adapter beside the tower's last layers; absent where there is none. Excludes `temporalFrames`. */
  readonly btAdapter?: BtAdapterConfig
  /** Neighbouring patches of the result that are made one; absent where they are not. Excludes `keepClassToken`. */
  readonly pool?: PatchPoolConfig
}

/** Squares of patches that become one patch, as LLaVA-NeXT-Video has it before its projector. */
export interface PatchPoolConfig {
  readonly mode: 'average' | 'max'
  /** Side of a square, patches; the squares lie side by side, and what fills none is left out. */
  readonly stride: number
}

/** A temporal branch beside a tower, as released PPLLaVA checkpoints have it. */
export interface BtAdapterConfig {
  /** Number of the tower's last layers that the branch stands beside; 1 to `layers`. */
  readonly depth: number
  /** Rows of the branch's time table: most frames of a clip. */
  readonly frames: number
}

/** A CLIP text tower with its projection into the space that pictures and texts share. */
export interface ClipTextConfig {
  readonly hiddenSize: number
  readonly layers: number
  readonly heads: number
  readonly intermediateSize: number
  readonly activation: Activation
  readonly layerNormEpsilon: number
  readonly vocabularySize: number
  /** Rows of the position table that the graph gets, so most tokens of a text: 77, or 248 after the extension. */
  readonly positions: number
  /** A: width of the shared space. */
  readonly projectionSize: number
}

/** Where a text tower's tensors are in the checkpoint. */
export interface ClipTextNames {
  /** Before `embeddings.…`, `encoder.layers.{i}.…` and `final_layer_norm.…`, with its final dot. */
  readonly model: string
  /** The projection's weight, whole name. */
  readonly projection: string
}

/** The way of a vision tower's features into the space that pictures and texts share. */
export interface AlignmentConfig {
  /** Dv: width of the features. */
  readonly inputSize: number
  /** A: width of the shared space. */
  readonly alignmentSize: number
  readonly layerNormEpsilon: number
  /** Whether the features have a class token at index 0; it is left out. */
  readonly classToken: boolean
}

/** Where the alignment's tensors are in the checkpoint. */
export interface AlignmentNames {
  /** The norm before `.weight` and `.bias`, such as `multi_modal_projector.clip_visual_ln`. */
  readonly norm: string
  /** The projection's weight, whole name. */
  readonly projection: string
}

/** Linear, activation, Linear: from the tower's width to the decoder's. */
export interface ProjectorConfig {
  readonly inputSize: number
  readonly outputSize: number
  readonly activation: Activation
}

/** The grid of a frame's tokens before and after it is made smaller. */
export interface GridResizeConfig {
  /** Width of a token. */
  readonly width: number
  readonly from: readonly [rows: number, columns: number]
  /** At most `from` on each axis. */
  readonly to: readonly [rows: number, columns: number]
}

/** A Llama-like decoder: Llama, Vicuna, Qwen2. */
export interface DecoderConfig {
  readonly hiddenSize: number
  readonly layers: number
  readonly heads: number
  /** Key/value heads; divides `heads`. */
  readonly kvHeads: number
  /** Size of one head, a multiple of 8; may differ from `hiddenSize / heads`. */
  readonly headDim: number
  readonly intermediateSize: number
  readonly vocabularySize: number
  readonly rmsNormEpsilon: number
  /** Whether the head is the transposed embedding table. */
  readonly tiedHead: boolean
  /** Whether query, key and value projections have a bias (Qwen2). */
  readonly qkvBias: boolean
  /** Whether the projection out of attention has a bias too (Llama's `attention_bias`); absent = it has none. */
  readonly outputBias?: boolean
  /** Whether the MLP's three projections have biases (Llama's `mlp_bias`); absent = they have none. */
  readonly mlpBias?: boolean
}

/** Where a decoder's tensors are in the checkpoint. */
export interface DecoderNames {
  /** Before `embed_tokens.weight`, `layers.{i}.…` and `norm.weight`; such as `language_model.model.`. */
  readonly model: string
  /** The untied head's weight, such as `language_model.lm_head.weight`; not read when the head is tied. */
  readonly head: string
}
