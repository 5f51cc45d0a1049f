import { FeatureCacheError } from '../features/error.js'
import type { FeatureReader } from '../features/types.js'
import { throwIfAborted } from '../ort/abort.js'
import { allocateFloats } from './allocate.js'
import type { ClipGroup } from './groups.js'
import type { FrameSource, PictureTaker } from './pictures.js'
import type { Platform } from './platform.js'
import type { StageProgress } from './stage-clock.js'
import { lost } from './video-features.js'

/** What reading a plan's pictures group by group needs. */
export interface PixelWork {
  readonly createScratch: Platform['createScratch']
  readonly pictures: PictureTaker
  readonly source: FrameSource
  readonly groups: readonly ClipGroup[]
  readonly decode: StageProgress
  readonly signal: AbortSignal | undefined
}

/** Preprocessed pictures, group by group. */
export interface GroupPixels {
  /**
   * @returns `[frames, 3, S, S]` of a group, valid until the next call.
   * @throws {VideoError} If pictures cannot be read.
   * @throws {CancelledError} If the signal fires, within one picture.
   */
  read(group: ClipGroup): Promise<Float32Array>
  close(): Promise<void>
}

/**
 * Reads each group when it is asked for; or, where that would decode long stretches again and again, everything in
 * one pass into scratch.
 */
export async function openPixels(work: PixelWork): Promise<GroupPixels> {
  const { pictures, groups, source } = work
  const most = Math.max(...groups.map(({ frames }) => frames.length))
  const pixels = allocateFloats(most * pictures.pictureSize, 'Pixels')
  if (source.isSequential && groups.length > 1) return openSpilled(work, pixels)
  let decoded = 0
  return {
    async read({ frames }) {
      let done = 0
      for await (const picture of pictures.take(source, frames, work.signal)) {
        pixels.set(picture.pixels, done++ * pictures.pictureSize)
        work.decode.report(decoded + done)
      }
      decoded += done
      return pixels.subarray(0, done * pictures.pictureSize)
    },
    close: async () => {},
  }
}

async function openSpilled(work: PixelWork, pixels: Float32Array): Promise<GroupPixels> {
  const { pictures, signal, decode } = work
  const reader = await decode.time(() => spill(work)).catch(asEngineError)
  return {
    async read({ frames }) {
      for (const [slot, frame] of frames.entries()) {
        throwIfAborted(signal)
        const picture = await reader.read('pixels', frame, frame + 1).catch(asEngineError)
        pixels.set(picture, slot * pictures.pictureSize)
      }
      return pixels.subarray(0, frames.length * pictures.pictureSize)
    },
    close: () => reader.close(),
  }
}

async function spill({
  createScratch,
  pictures,
  source,
  groups,
  decode,
  signal,
}: PixelWork): Promise<FeatureReader> {
  const indices = groups.flatMap(({ frames }) => frames).sort((a, b) => a - b)
  const blocks = [{ name: 'pixels', floatsPerFrame: pictures.pictureSize }]
  const writer = await createScratch({ frames: indices.length, blocks })
  let done = 0
  try {
    for await (const { index, pixels } of pictures.take(source, indices, signal)) {
      await writer.put('pixels', index, pixels)
      decode.report(++done)
    }
    return await writer.commit(null)
  } catch (error) {
    await writer.abort()
    throw error
  }
}

function asEngineError(error: unknown): never {
  throw error instanceof FeatureCacheError ? lost(error) : error
}
