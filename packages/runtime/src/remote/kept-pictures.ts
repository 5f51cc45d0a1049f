import { VideoError, type VideoPlan } from '@longtake/core'
import type { PlacedFrame } from '../engine/given-frames.js'
import { asBytes, type FrameSource, isRepeated, type Pictures, thumbnailSide } from '../engine/pictures.js'
import type { InputFrame } from '../engine/watch-options.js'
import { throwIfAborted } from '../ort/abort.js'
import { makeThumbnail, type Picture } from '../video/index.js'
import { JpegWriter } from '../video/jpeg-writer.js'

/** Memory that all JPEG files of a video may take, bytes; many frames are kept smaller. */
const MAX_JPEG_BYTES = 128 * 1024 * 1024
/** Memory that a guide's pictures may take while it watches them, bytes. */
const MAX_GUIDE_BYTES = 128 * 1024 * 1024
/** What a picture that has too many bytes is shrunk by, and where that ends. */
const SHRINK = 0.75
const LEAST_SIDE = 32

/** What is kept of a video whose frames are sent. */
export interface KeptPictures extends Pictures {
  /** JPEG files, `[F]`. */
  readonly jpegs: readonly Uint8Array[]
  /** For the guide, `[F]`; none without one. */
  readonly guided: readonly InputFrame[]
  readonly notes: readonly string[]
}

export interface KeepOptions {
  /** Longest side of what is sent, pixels. */
  readonly side: number
  readonly hasGuide: boolean
  /** Told how many pictures are done. */
  readonly onPicture: (done: number) => void
  readonly signal: AbortSignal | undefined
}

/**
 * Reads a plan's pictures, one at a time, and keeps them small.
 *
 * @throws {VideoError} `VIDEO_UNREADABLE` if pictures are missing.
 * @throws {CancelledError} If the signal fires, within one picture.
 */
export async function keepPictures(
  plan: VideoPlan,
  source: FrameSource,
  { onPicture, signal, ...options }: KeepOptions,
): Promise<KeptPictures> {
  const keeper = new Keeper(plan.frames, options)
  const indices = plan.timestamps.map((_, index) => index)
  try {
    for await (const frame of source.frames(indices, signal)) {
      throwIfAborted(signal)
      await keeper.keep(frame)
      onPicture(keeper.timestamps.length)
    }
    throwIfAborted(signal)
  } finally {
    keeper.close()
  }
  const kept = keeper.timestamps.length
  if (kept === plan.frames) return keeper
  throw new VideoError('VIDEO_UNREADABLE', `The video gave ${kept} of ${plan.frames} pictures.`)
}

class Keeper implements KeptPictures {
  readonly jpegs: Uint8Array[] = []
  readonly guided: InputFrame[] = []
  readonly thumbnails: Picture[] = []
  readonly timestamps: number[] = []
  readonly #writer = new JpegWriter()
  readonly #options: Pick<KeepOptions, 'side' | 'hasGuide'>
  readonly #thumbnailSide: number
  readonly #guideSide: number
  /** Bytes that one file may have. */
  readonly #most: number
  #shrunk = 0
  #last: PlacedFrame | undefined

  constructor(frames: number, options: Pick<KeepOptions, 'side' | 'hasGuide'>) {
    this.#options = options
    this.#thumbnailSide = thumbnailSide(frames)
    this.#guideSide = Math.max(1, Math.floor(Math.sqrt(MAX_GUIDE_BYTES / frames / 3)))
    this.#most = MAX_JPEG_BYTES / frames
  }

  get notes(): readonly string[] {
    if (this.#shrunk === 0) return []
    const whole = this.jpegs.length
    return [`${this.#shrunk} of ${whole} pictures are kept smaller than asked, so that all fit into memory.`]
  }

  async keep(frame: PlacedFrame): Promise<void> {
    const repeats = this.#last !== undefined && isRepeated(frame, this.#last)
    this.#last = frame
    this.timestamps.push(frame.timestampSeconds)
    if (!repeats) return this.#keepNew(frame)
    this.jpegs.push(this.jpegs.at(-1)!)
    this.thumbnails.push(this.thumbnails.at(-1)!)
    const guided = this.guided.at(-1)
    if (guided !== undefined) this.guided.push({ ...guided, timestampSeconds: frame.timestampSeconds })
  }

  close(): void {
    this.#writer.close()
  }

  async #keepNew({ rgb, width, height, timestampSeconds }: PlacedFrame): Promise<void> {
    const picture = within({ rgb: asBytes(rgb), width, height }, this.#options.side)
    this.jpegs.push(await this.#write(picture))
    this.thumbnails.push(within(picture, this.#thumbnailSide))
    if (this.#options.hasGuide) this.guided.push({ ...within(picture, this.#guideSide), timestampSeconds })
  }

  async #write(picture: Picture): Promise<Uint8Array> {
    let jpeg = await this.#writer.write(picture)
    if (jpeg.length <= this.#most) return jpeg
    this.#shrunk += 1
    let side = Math.max(picture.width, picture.height)
    while (jpeg.length > this.#most && side > LEAST_SIDE) {
      side = Math.max(LEAST_SIDE, Math.floor(side * SHRINK))
      jpeg = await this.#writer.write(within(picture, side))
    }
    return jpeg
  }
}

/** A copy no side of which is longer. */
function within(picture: Picture, side: number): Picture {
  return makeThumbnail(picture, Math.min(side, picture.width), Math.min(side, picture.height))
}
