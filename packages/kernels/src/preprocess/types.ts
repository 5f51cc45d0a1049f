/** Kernel that resizing weighs pixels with. */
export type ResampleFilter = 'bilinear' | 'bicubic' | 'lanczos' | 'box' | 'hamming'

/**
 * Whose arithmetic resizing follows; they differ by a level or in where a crop falls.
 *
 * `pil`: Pillow on 8-bit values, antialiased, fixed-point, rounded after each direction; crops rounded down.
 * `torchvision`: floats, antialiased, rounded to 8 bits once; crops rounded to even.
 * `tensor`: floats without antialias and never rounded, as the original Video-LLaVA does; bilinear only.
 */
export type ResizeArithmetic = 'pil' | 'torchvision' | 'tensor'

export interface PictureSize {
  /** Pixels. */
  readonly width: number
  /** Pixels. */
  readonly height: number
}

/**
 * How a picture becomes pixel values, in this order: resize, crop, `(value · rescaleFactor − mean) / std`.
 * Plain data. The result always has one size: `crop`, or else the size that `resize` names.
 */
export interface ImageProcessing {
  /** Both edges, or the shorter one while the other follows; null = the picture keeps its size. Pixels. */
  readonly resize: PictureSize | { readonly shortestEdge: number } | null
  readonly filter: ResampleFilter
  readonly arithmetic: ResizeArithmetic
  /** Taken from the centre; black around a picture that is smaller. Null = no crop. */
  readonly crop: PictureSize | null
  /** On values 0–255; usually 1/255, or 1 for none. */
  readonly rescaleFactor: number
  /** Red, green, blue; zeros for none. */
  readonly mean: readonly [number, number, number]
  /** Red, green, blue; ones for none. */
  readonly std: readonly [number, number, number]
}
