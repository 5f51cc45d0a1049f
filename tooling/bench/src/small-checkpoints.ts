import { ONEVISION_SIZES, type OnevisionSizes } from './onevision-checkpoint.js'
import { SEVEN_BILLION, type VideoLlavaSizes } from './seven-billion-checkpoint.js'

/** The layouts of the full-size checkpoints in sizes that tests can write. */
export const SMALL_LLAVA: VideoLlavaSizes = {
  vision: {
    ...SEVEN_BILLION.vision,
    ...{ hiddenSize: 64, layers: 2, heads: 2, intermediateSize: 96, imageSize: 28 },
  },
  decoder: {
    ...SEVEN_BILLION.decoder,
    ...{ hiddenSize: 64, layers: 2, heads: 4, kvHeads: 4, headDim: 16, intermediateSize: 96 },
    vocabularySize: 2000,
  },
  positions: 512,
}

export const SMALL_ONEVISION: OnevisionSizes = {
  vision: {
    ...ONEVISION_SIZES.vision,
    ...{ hiddenSize: 32, layers: 2, heads: 2, intermediateSize: 48, imageSize: 44 },
  },
  decoder: {
    ...ONEVISION_SIZES.decoder,
    ...{ hiddenSize: 64, layers: 2, heads: 4, kvHeads: 2, headDim: 16, intermediateSize: 96 },
    vocabularySize: 600,
  },
  firstSpecial: 500,
}
