import { arrangeClips, CLIP_LAYOUTS } from './arrangement.js'
import { checkChoice, checkInteger } from './check.js'
import { cropStills } from './crops.js'
import { InvalidOptionError } from './errors.js'
import { chooseFrameCount } from './frame-count.js'
import { MAX_FRAMES } from './limits.js'
import type { PlanOptions, StillCrops, VideoPlan } from './plan-types.js'
import type { PooledFrames } from './pooling.js'
import type { PoolingRequest } from './pooling-request.js'
import { checkFacts, chooseSampling, chooseStretch } from './sampling.js'
import type { ClipLayout, ModelSpec, VideoFacts } from './spec.js'
import { frameTimestamps } from './timestamps.js'

/** What enters the encoder: the part of a plan that does not depend on tokens. */
export interface PlannedInput
  extends Pick<
    VideoPlan,
    | 'frames'
    | 'framesRequested'
    | 'timestamps'
    | 'sampling'
    | 'clips'
    | 'layout'
    | 'order'
    | 'crops'
    | 'notes'
  > {
  readonly pooled: PooledFrames
}

/**
 * Times, clips and order of the frames of a video, or of still images.
 *
 * @throws {InvalidOptionError} If an option or fact is out of its range, or meaningless for images.
 * @throws {VideoError} `VIDEO_EMPTY` if the video is known to have no pictures.
 */
export function arrangeInput(
  spec: ModelSpec,
  video: VideoFacts,
  options: PlanOptions,
  request: PoolingRequest,
): PlannedInput {
  const layout =
    options.layout === undefined ? undefined : checkChoice('layout', options.layout, CLIP_LAYOUTS)
  return video.stills === undefined
    ? sampleVideo(spec, video, options, request, layout ?? 'interleaved')
    : repeatStills(spec, video, options, request, layout ?? 'contiguous')
}

function sampleVideo(
  spec: ModelSpec,
  video: VideoFacts,
  options: PlanOptions,
  request: PoolingRequest,
  layout: ClipLayout,
): PlannedInput {
  const stretch = chooseStretch(video, options)
  const { frames, requested, framesPerClip, notes } = chooseFrameCount(spec, stretch, options, request)
  const sampling = chooseSampling(video, stretch, frames, options)
  return {
    frames,
    framesRequested: requested,
    timestamps: frameTimestamps(stretch.startSeconds, stretch.lengthSeconds, frames),
    sampling: sampling.mode,
    ...arrangeClips(frames, framesPerClip, layout),
    layout,
    notes: [...stretch.notes, ...notes, ...sampling.notes, ...noteEncoder(spec, frames, layout)],
    pooled: {
      ...{ units: frames, framesPerUnit: 1, areStills: false },
      tokens: frames * spec.encoder.tokensPerFrame,
      trailingTokens: spec.encoder.trailingTokens ?? 0,
    },
  }
}

function noteEncoder({ encoder, remote }: ModelSpec, frames: number, layout: ClipLayout): string[] {
  if (remote !== undefined || (encoder.mostFramesPerClip ?? encoder.framesPerClip) > 1 || frames === 1)
    return []
  return [`This checkpoint's encoder sees each frame on its own, so the ${layout} layout changes nothing.`]
}

/** Options that choose frames, which images and given pictures do not leave to choose. */
export const FRAME_CHOICES = ['frames', 'fps', 'maxFrames', 'startSeconds', 'endSeconds', 'sampling'] as const

/** Each image fills a clip of its own, so that the encoder never mixes two. */
function repeatStills(
  spec: ModelSpec,
  video: VideoFacts,
  options: PlanOptions,
  request: PoolingRequest,
  layout: ClipLayout,
): PlannedInput {
  checkFacts(video)
  const { framesPerClip } = spec.encoder
  const stills = checkInteger('video.stills', video.stills, 1, Math.floor(MAX_FRAMES / framesPerClip))
  for (const name of FRAME_CHOICES) {
    const value = options[name]
    if (value === undefined || value === 'auto') continue
    throw new InvalidOptionError(name, 'nothing: the input is images, and every image is seen', value)
  }
  const { pooled, crops, notes } = chooseCrops(spec, video, stills, request)
  const { frames } = pooled
  return {
    frames,
    framesRequested: stills,
    timestamps: Array.from({ length: frames }, (_, frame) => Math.floor(frame / framesPerClip)),
    sampling: 'exact',
    ...arrangeClips(frames, framesPerClip, 'contiguous'),
    layout: 'contiguous',
    ...(crops && { crops }),
    notes: [...noteStills(stills, framesPerClip, layout), ...notes],
    pooled,
  }
}

/** How images enter, and how many tokens that is without pooling. */
function chooseCrops(
  { encoder }: ModelSpec,
  video: VideoFacts,
  stills: number,
  { method }: PoolingRequest,
): Pick<PlannedInput, 'crops' | 'notes'> & { pooled: PooledFrames & { readonly frames: number } } {
  const { framesPerClip, tokensPerFrame, stills: cut, trailingTokens = 0 } = encoder
  const frames = stills * framesPerClip
  const pooled = { frames, units: stills, framesPerUnit: framesPerClip, areStills: true }
  if (cut === undefined || cut.resolutions.length === 0 || method !== 'none') {
    const alone = cut !== undefined && stills === 1 ? 1 : 0
    const tokens = frames * tokensPerFrame
    const isCutOtherwise = cut !== undefined && cut.resolutions.length > 0
    return {
      pooled: { ...pooled, tokens, trailingTokens: trailingTokens + alone },
      notes: isCutOtherwise ? ['Images that are pooled enter whole, and are not cut into tiles.'] : [],
    }
  }
  const crops = cropStills(encoder, cut.resolutions, video, stills)
  const tokens = crops.reduce((sum, crop) => sum + crop.tokens, 0)
  return { pooled: { ...pooled, tokens, trailingTokens }, crops, notes: [noteCrops(crops, tokens)] }
}

function noteCrops(crops: readonly StillCrops[], tokens: number): string {
  const [only, ...others] = crops
  if (only !== undefined && others.length === 0) {
    const [height, width] = only.size
    return `The image of ${width}×${height} pixels enters whole and in ${only.tiles.join('×')} tiles (rows × columns): ${tokens} tokens.`
  }
  const tiles = crops.reduce((sum, crop) => sum + crop.tiles[0] * crop.tiles[1], 0)
  return `${crops.length} images enter whole and in ${tiles} tiles together: ${tokens} tokens.`
}

function noteStills(stills: number, framesPerClip: number, layout: ClipLayout): string[] {
  const images = stills === 1 ? '1 image' : `${stills} images`
  return [
    ...(framesPerClip > 1
      ? [
          `${images}, repeated ${framesPerClip} times each: the encoder takes ${framesPerClip} frames at a time.`,
        ]
      : []),
    ...(layout === 'contiguous'
      ? []
      : [`Each image stands for itself, so the layout is contiguous instead of ${layout}.`]),
  ]
}
