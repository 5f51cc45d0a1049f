/** How pictures become pixel values; what a checkpoint's preprocessor_config.json says, checked. */
export interface ImageProcessing {
  /** Null = the picture keeps its size. */
  readonly resize: ResizeRule | null
  /** Centre crop, padded with black where the picture is smaller; null = no crop. Pixels. */
  readonly crop: { readonly width: number; readonly height: number } | null
  /** Factor on 0–255 values, usually 1/255; null = none. */
  readonly rescaleFactor: number | null
  /** (x − mean) / std per channel; null = none. */
  readonly normalize: { readonly mean: readonly number[]; readonly std: readonly number[] } | null
}

export interface ResizeRule {
  /** `shortest`: that edge gets `size` and the other follows; `exact`: both edges are given. */
  readonly mode: 'shortest' | 'exact'
  /** Pixels. For `shortest` both are the same number. */
  readonly width: number
  readonly height: number
  readonly filter: 'nearest' | 'bilinear' | 'bicubic' | 'lanczos' | 'box' | 'hamming'
  /** `pil`: antialiased on 8-bit values, rounded after each pass. `tensor`: floats, no antialias, after normalising. */
  readonly arithmetic: 'pil' | 'tensor'
}

/** Reads preprocessor_config.json. */
export function parseImageProcessing(config: unknown): ImageProcessing {
  throw new Error(String(config))
}
