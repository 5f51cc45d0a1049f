import type { VideoPlan } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import { type EncoderPlan, encoderPlan } from './encoder-plan.js'
import { type ClipGroup, endOfRun, groupClips } from './groups.js'
import type { EncodedFrames, Models } from './models.js'
import { type FrameSource, type Pictures, PictureTaker } from './pictures.js'
import { openPixels } from './pixels.js'
import type { StageProgress } from './stage-clock.js'

/** Frames that one run of the encoder takes at most: enough to fill the cores, few enough to cancel and report soon. */
const BATCH_FRAMES = 16

/**
 * Patches that one run takes, about: enough rows to fill the cores. More are no faster and take memory, in
 * LLaVA-OneVision's tower 68 MiB for each frame.
 */
const BATCH_PATCHES = 4608

/**
 * Pixels that are held at once, bytes: 111 pictures of 224 pixels a side. Fewer would make more passes over the
 * video, more would only take memory.
 */
const GROUP_BYTES = 64 * 1024 * 1024

/** What was computed of one frame. The arrays are valid until `put` settles. */
export interface EncodedFrame {
  /** Place among the encoder's frames, in time order. */
  readonly index: number
  /** Place in the context, in frames. */
  readonly place: number
  /** `[3, S, S]` */
  readonly pixels: Float32Array
  /** `[tokens, Dv]` */
  readonly features: Float32Array
  /** `[patches, D]`, class token included where it is kept */
  readonly projected: Float32Array
  /** `[tokens, D]`: `projected`, or what the checkpoint itself always makes of it. */
  readonly tokens: Float32Array
  /** `[patches, A]`, where the plan is guided. */
  readonly alignment: Float32Array | undefined
}

/** Takes in what is computed, frame by frame, in no particular order. */
export interface FrameSink {
  put(frame: EncodedFrame): Promise<void>
}

export interface EncodeOptions {
  readonly signal?: AbortSignal | undefined
  readonly decode: StageProgress
  readonly encode: StageProgress
}

/**
 * Decodes and encodes a plan's clips, a group at a time, so that memory does not grow with the video.
 *
 * @param sink - Gets every frame once.
 * @throws {VideoError} If pictures cannot be read.
 * @throws {CancelledError} If the signal fires, within one picture or batch.
 */
export async function encodeVideo(
  models: Models,
  plan: VideoPlan,
  source: FrameSource,
  sink: FrameSink,
  options: EncodeOptions,
): Promise<Pictures> {
  const encoder = encoderPlan(plan)
  const pictures = new PictureTaker(models, encoder)
  const pictureBytes = pictures.pictureSize * Float32Array.BYTES_PER_ELEMENT
  const groups = groupClips(encoder.clips, Math.max(1, Math.floor(GROUP_BYTES / pictureBytes)))
  const { decode, encode, signal } = options
  const align = plan.pooling?.method === 'guided'
  const work = { models, clips: encoder.clips, align, sink, signal, places: placesOfClips(encoder) }
  const pixels = await openPixels({
    createScratch: models.createScratch,
    pictures,
    source,
    groups,
    decode,
    signal,
  })
  let encoded = 0
  try {
    for (const group of groups) {
      const own = await decode.time(() => pixels.read(group))
      const before = encoded
      const onFrames = (done: number): void => encode.report(before + done)
      encoded += await encode.time(() => encodeGroup(work, group, own, onFrames))
    }
  } finally {
    await pixels.close()
  }
  return pictures
}

interface GroupWork {
  readonly models: Models
  readonly clips: EncoderPlan['clips']
  readonly align: boolean
  readonly sink: FrameSink
  readonly signal: AbortSignal | undefined
  /** Places in the context of each clip's frames. */
  readonly places: readonly (readonly number[])[]
}

/** @returns The frames that were encoded. */
async function encodeGroup(
  { models, sink, signal, places, align, ...work }: GroupWork,
  group: ClipGroup,
  pixels: Float32Array,
  onFrames: (done: number) => void,
): Promise<number> {
  let done = 0
  const size = pixels.length / group.frames.length
  const slots = new Map(group.frames.map((frame, slot) => [frame, slot]))
  const clips = work.clips.slice(0, group.endClip)
  for (let first = group.firstClip; first < group.endClip; ) {
    throwIfAborted(signal)
    const end = endOfRun(clips, first, mostFramesOfRun(models))
    const frames = clips.slice(first, end).flat()
    const clipPlaces = places.slice(first, end).flat()
    const input = gather(
      pixels,
      frames.map((frame) => slots.get(frame)!),
      size,
    )
    const encoded = await models.encode(input, frames.length, align, signal)
    for (const [at, index] of frames.entries()) {
      await sink.put({ index, place: clipPlaces[at]!, ...frameOf(encoded, input, frames.length, at) })
    }
    done += frames.length
    onFrames(done)
    first = end
  }
  return done
}

/** An encoder that attends over a whole clip of any length takes one clip a run. */
function mostFramesOfRun({ checkpoint }: Models): number {
  const { spec, vision } = checkpoint.model
  if (spec.encoder.mostFramesPerClip !== undefined) return 1
  const patches = Math.floor(vision.imageSize / vision.patchSize) ** 2
  return Math.min(BATCH_FRAMES, Math.floor(BATCH_PATCHES / patches))
}

function frameOf(
  { features, projected, tokens, alignment }: EncodedFrames,
  pixels: Float32Array,
  frames: number,
  at: number,
) {
  const part = (all: Float32Array): Float32Array => {
    const size = all.length / frames
    return all.subarray(at * size, (at + 1) * size)
  }
  return {
    pixels: part(pixels),
    features: part(features),
    projected: part(projected),
    tokens: part(tokens),
    alignment: alignment && part(alignment),
  }
}

/** The frame whose tokens stand at each place of the context, `[F]`. */
export function framesInContext(plan: VideoPlan): number[] {
  const encoded = plan.clips.flat()
  return plan.order.map((place) => encoded[place]!)
}

/** Where each clip's frames stand in the context. */
function placesOfClips({ clips, order }: EncoderPlan): number[][] {
  const places: number[] = new Array(order.length)
  for (const [place, encoded] of order.entries()) places[encoded] = place
  let start = 0
  return clips.map((clip) => {
    start += clip.length
    return places.slice(start - clip.length, start)
  })
}

function gather(blocks: Float32Array, indices: readonly number[], size: number): Float32Array {
  const gathered = new Float32Array(indices.length * size)
  for (const [place, index] of indices.entries()) {
    gathered.set(blocks.subarray(index * size, (index + 1) * size), place * size)
  }
  return gathered
}
