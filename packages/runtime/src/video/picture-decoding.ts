import type { SamplingMode } from '@longtake/core'
import type { Packet, PacketTrack } from './packet-track.js'
import type { Picture } from './picture.js'

/** A decoded picture in the decoder's own memory. */
export interface DecodedFrame {
  /** When it begins, microseconds. */
  readonly at: number
  /** Gives the memory back; safe to call twice. */
  free(): void
}

/** What `receive` found: a picture, a decoder that wants another packet, or the end after `drain`. */
export type Received = DecodedFrame | 'hungry' | 'end'

/** Decodes one track and turns its pictures into RGB, by whatever does that here. Calls must not overlap. */
export interface PictureDecoding {
  /**
   * Hands one packet in; one that is damaged is passed over.
   *
   * @param isWanted - False lets the decoder leave the picture out if no other is made from it.
   */
  send(packet: Packet, isWanted?: boolean): Promise<void>
  /** Says that no packet follows, so that the pictures held back for reordering come out. */
  drain(): Promise<void>
  /** The next picture, in presentation order; it belongs to the caller. Damaged ones are passed over. */
  receive(): Promise<Received>
  /** Forgets everything, ready to start at another keyframe. */
  reset(): void
  /** Pixels as a viewer sees them: upright and square. */
  toPicture(frame: DecodedFrame): Promise<Picture>
  /** Frees everything but the frames that were received. */
  close(): void
}

/**
 * Opens the decoder of a track.
 *
 * @param mode - `keyframe` reads single keyframes.
 * @throws {VideoError} `VIDEO_UNSUPPORTED_CODEC` if nothing here can decode it.
 */
export type OpenDecoding = (
  track: Pick<PacketTrack, 'setup' | 'geometry'>,
  mode: SamplingMode,
) => Promise<PictureDecoding>
