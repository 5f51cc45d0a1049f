import type { ModelSpec, VideoFacts } from './spec.js'

/** The embedded checkpoint's shape: small, an encoder of 8 frames, a short context. */
export const tinySpec: ModelSpec = {
  family: 'video_llava',
  encoder: { framesPerClip: 8, imageSize: 48, tokensPerFrame: 5 },
  decoder: { layers: 4, kvHeads: 5, headDim: 32, hiddenSize: 160, vocabularySize: 200 },
  rope: { theta: 300, scaling: { type: 'none' } },
  context: { trainedLength: 128, nominalLength: 128 },
  defaults: { frames: 32, ropeType: 'ntk', kvCache: 'fp32' },
}

/** Video-LLaVA-7B as the INTP paper used it. */
export const videoLlavaSpec: ModelSpec = {
  family: 'video_llava',
  encoder: { framesPerClip: 8, imageSize: 224, tokensPerFrame: 257 },
  decoder: { layers: 32, kvHeads: 32, headDim: 128, hiddenSize: 4096, vocabularySize: 32_064 },
  rope: { theta: 10_000, scaling: { type: 'none' } },
  context: { trainedLength: 4096, nominalLength: 4096 },
  defaults: { frames: 32, ropeType: 'ntk', kvCache: 'int8' },
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
