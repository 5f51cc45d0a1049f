import { type SamplingMode, VideoError } from '@longtake/core'
import { damaged, type PictureSource } from './frame-iteration.js'
import type { Packet, PacketTrack } from './packet-track.js'
import type { OpenDecoding } from './picture-decoding.js'
import { PictureReader, type Shown } from './picture-reader.js'

/** A film's pictures: where they come from, and between which times. */
export interface Film {
  readonly track: PacketTrack
  readonly name: string
  readonly openDecoding: OpenDecoding
  /** Times of the first and last picture that can be shown, seconds. */
  readonly firstSeconds: number
  readonly lastSeconds: number
}

/** Gives a film's pictures by their times. Decoding begins with the first one that is asked for. */
export class FilmPictures implements PictureSource {
  readonly #film: Film
  readonly #mode: SamplingMode
  #reader: PictureReader | undefined
  #shown: Shown | undefined

  constructor(film: Film, mode: SamplingMode) {
    this.#film = film
    this.#mode = mode
  }

  async show(seconds: number, signal?: AbortSignal): Promise<Shown> {
    const { track, name, openDecoding, firstSeconds, lastSeconds } = this.#film
    const within = Math.min(Math.max(seconds, firstSeconds), lastSeconds)
    try {
      this.#reader ??= new PictureReader(track, name, await openDecoding(track, this.#mode))
      const shown = await (this.#mode === 'keyframe'
        ? this.#showKey(this.#reader, within, signal)
        : this.#showExact(this.#reader, within, signal))
      // Where a picture is damaged, the one before it stays on screen.
      this.#shown = shown ?? this.#shown
    } catch (error) {
      throw damaged(error, name)
    }
    if (this.#shown !== undefined) return this.#shown
    throw new VideoError('VIDEO_UNREADABLE', `${name} is damaged: no picture of it can be decoded.`)
  }

  close(): void {
    this.#reader?.close()
    this.#reader = undefined
    this.#shown = undefined
  }

  async #showExact(reader: PictureReader, seconds: number, signal?: AbortSignal): Promise<Shown | undefined> {
    const { track } = this.#film
    const target = (await track.at(seconds)) ?? (await track.keyAt(seconds))
    if (target === null) return undefined
    if (target.timestamp === this.#shown?.timestamp) return this.#shown
    return reader.readExact(target, signal)
  }

  async #showKey(reader: PictureReader, seconds: number, signal?: AbortSignal): Promise<Shown | undefined> {
    const key = await this.#nearestKey(seconds)
    if (key === null) return undefined
    if (key.timestamp === this.#shown?.timestamp) return this.#shown
    return (await reader.readKey(key)) ?? reader.readExact(key, signal)
  }

  async #nearestKey(seconds: number): Promise<Packet | null> {
    const { track, lastSeconds } = this.#film
    const before = await track.keyAt(seconds)
    if (before === null || before.timestamp >= seconds) return before
    const after = await track.nextKey(before)
    if (after === null || after.timestamp > lastSeconds) return before
    return after.timestamp - seconds < seconds - before.timestamp ? after : before
  }
}
