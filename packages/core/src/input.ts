import { arrangeClips, CLIP_LAYOUTS } from './arrangement.js'
import { checkChoice, checkInteger } from './check.js'
import { InvalidOptionError } from './errors.js'
import { chooseFrameCount } from './frame-count.js'
import { MAX_FRAMES } from './limits.js'
import type { PlanOptions, VideoPlan } from './plan-types.js'
import type { PooledFrames } from './pooling.js'
import type { PoolingRequest } from './pooling-request.js'
import { checkFacts, chooseSampling, chooseStretch } from './sampling.js'
import type { ClipLayout, ModelSpec, VideoFacts } from './spec.js'
import { frameTimestamps } from './timestamps.js'

/** What enters the encoder: the part of a plan that does not depend on tokens. */
export interface PlannedInput
  extends Pick<
    VideoPlan,
    'frames' | 'framesRequested' | 'timestamps' | 'sampling' | 'clips' | 'layout' | 'order' | 'notes'
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
    : repeatStills(spec, video, options, layout ?? 'contiguous')
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
    pooled: { units: frames, framesPerUnit: 1, areStills: false },
  }
}

function noteEncoder({ encoder }: ModelSpec, frames: number, layout: ClipLayout): string[] {
  if ((encoder.mostFramesPerClip ?? encoder.framesPerClip) > 1 || frames === 1) return []
  return [`This checkpoint's encoder sees each frame on its own, so the ${layout} layout changes nothing.`]
}

/** Options that choose frames, which images and given pictures do not leave to choose. */
export const FRAME_CHOICES = ['frames', 'fps', 'maxFrames', 'startSeconds', 'endSeconds', 'sampling'] as const

/** Each image fills a clip of its own, so that the encoder never mixes two. */
function repeatStills(
  spec: ModelSpec,
  video: VideoFacts,
  options: PlanOptions,
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
  const images = stills === 1 ? '1 image' : `${stills} images`
  const notes = [
    ...(framesPerClip > 1
      ? [
          `${images}, repeated ${framesPerClip} times each: the encoder takes ${framesPerClip} frames at a time.`,
        ]
      : []),
    ...(layout === 'contiguous'
      ? []
      : [`Each image stands for itself, so the layout is contiguous instead of ${layout}.`]),
  ]
  const frames = stills * framesPerClip
  return {
    frames,
    framesRequested: stills,
    timestamps: Array.from({ length: frames }, (_, frame) => Math.floor(frame / framesPerClip)),
    sampling: 'exact',
    ...arrangeClips(frames, framesPerClip, 'contiguous'),
    layout: 'contiguous',
    notes,
    pooled: { units: stills, framesPerUnit: framesPerClip, areStills: true },
  }
}
