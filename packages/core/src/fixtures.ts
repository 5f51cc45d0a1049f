import type { ModelSpec, VideoFacts } from './spec.js'

/** A checkpoint that is not trained for pooling, with the windows of the paper. */
const pooling: ModelSpec['pooling'] = {
  guided: false,
  temperature: 0.01,
  kernel: [2, 3, 3],
  stride: [2, 3, 3],
  imageKernel: [1, 3, 3],
  imageStride: [1, 3, 3],
}
const unpooled = { pooling: 'none', tokenBudget: undefined, mostFrames: 64 } as const

/** The embedded checkpoint's shape: small, an encoder of 8 frames, a short context. */
export const tinySpec: ModelSpec = {
  family: 'video_llava',
  encoder: { framesPerClip: 8, imageSize: 48, tokensPerFrame: 5, grid: [2, 2], classToken: true },
  decoder: { layers: 4, kvHeads: 5, headDim: 32, hiddenSize: 160, vocabularySize: 200 },
  rope: { theta: 300, scaling: { type: 'none' } },
  context: { trainedLength: 128, nominalLength: 128 },
  pooling,
  defaults: { frames: 32, ropeType: 'ntk', kvCache: 'fp32', ...unpooled },
}

/** Video-LLaVA-7B as the INTP paper used it. */
export const videoLlavaSpec: ModelSpec = {
  family: 'video_llava',
  encoder: { framesPerClip: 8, imageSize: 224, tokensPerFrame: 257, grid: [16, 16], classToken: true },
  decoder: { layers: 32, kvHeads: 32, headDim: 128, hiddenSize: 4096, vocabularySize: 32_064 },
  rope: { theta: 10_000, scaling: { type: 'none' } },
  context: { trainedLength: 4096, nominalLength: 4096 },
  pooling,
  defaults: { frames: 32, ropeType: 'ntk', kvCache: 'int8', ...unpooled },
}

/** One minute at 25 pictures a second, keyframe interval unknown. */
export const minute: VideoFacts = {
  startSeconds: 0,
  durationSeconds: 60,
  frameCount: 1500,
  framesPerSecond: 25,
  width: 640,
  height: 360,
  codec: 'avc',
}

/** PPLLaVA: 24 × 24 patches a frame without class token, each frame on its own, a text guide. */
export const ppllavaSpec: ModelSpec = {
  ...videoLlavaSpec,
  family: 'ppllava',
  encoder: { framesPerClip: 1, imageSize: 336, tokensPerFrame: 576, grid: [24, 24], classToken: false },
  pooling: { ...pooling, guided: true },
  defaults: { ...videoLlavaSpec.defaults, pooling: 'guided', tokenBudget: 1024, mostFrames: 512 },
}
