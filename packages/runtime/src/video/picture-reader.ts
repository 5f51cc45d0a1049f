import { CancelledError, VideoError } from '@longtake/core'
import { microseconds, type Packet, type PacketRef, type PacketTrack } from './packet-track.js'
import type { Picture } from './picture.js'
import type { DecodedFrame, PictureDecoding } from './picture-decoding.js'

/** A decoded picture and when it begins, seconds. */
export interface Shown {
  readonly timestamp: number
  readonly picture: Picture
}

/** A stream whose decoder takes this many packets without giving a picture is not going to give one. */
const MAX_FRUITLESS_PACKETS = 600

/**
 * Decodes chosen pictures of a track, going forward where that is shorter than starting anew. Holds two decoded
 * frames at most: the one that may be wanted and the one after it.
 */
export class PictureReader {
  readonly #track: PacketTrack
  readonly #name: string
  readonly #decoding: PictureDecoding
  /** Latest picture before the wanted one, and when it begins. */
  #held: DecodedFrame | undefined
  #heldAt: number | undefined
  /** The picture after it, where it has come out already. */
  #ahead: DecodedFrame | undefined
  #aheadAt: number | undefined
  #sent: PacketRef | undefined
  #draining = false
  #ended = false
  #fruitless = 0
  /** Timestamps of the packets whose pictures are to come, where the pictures do not carry them. */
  #expected: number[] = []

  constructor(track: PacketTrack, name: string, decoding: PictureDecoding) {
    this.#track = track
    this.#name = name
    this.#decoding = decoding
  }

  /**
   * Decodes one keyframe by itself.
   *
   * @returns Undefined where it is damaged.
   */
  async readKey(packet: Packet): Promise<Shown | undefined> {
    this.#restart()
    await this.#decoding.send(packet)
    await this.#decoding.drain()
    try {
      const received = await this.#decoding.receive()
      if (received === 'hungry' || received === 'end') return undefined
      this.#held = received
      return { timestamp: packet.timestamp, picture: await this.#decoding.toPicture(received) }
    } finally {
      this.#restart()
    }
  }

  /**
   * Decodes the picture of `target`, or where it is damaged the picture before it.
   *
   * @returns Undefined where neither can be decoded.
   * @throws {CancelledError} Between two packets, when `signal` aborts.
   */
  async readExact(target: PacketRef, signal?: AbortSignal): Promise<Shown | undefined> {
    const wanted = microseconds(target.timestamp)
    if (this.#heldAt === wanted) return this.#show(target)
    await this.#seek(target)
    while (this.#aheadAt === undefined || this.#aheadAt < wanted) {
      if (signal?.aborted) throw new CancelledError(undefined, { cause: signal.reason })
      const received = await this.#advance(wanted)
      if (received === 'end') break
    }
    if (this.#aheadAt !== undefined && (this.#aheadAt <= wanted || this.#heldAt === undefined)) this.#hold()
    return this.#show(target)
  }

  async #show(target: PacketRef): Promise<Shown | undefined> {
    if (this.#held === undefined || this.#heldAt === undefined) return undefined
    // The packet's own time where it is that picture: frames carry whole microseconds only.
    const timestamp = this.#heldAt === microseconds(target.timestamp) ? target.timestamp : this.#heldAt / 1e6
    return { timestamp, picture: await this.#decoding.toPicture(this.#held) }
  }

  close(): void {
    this.#held?.free()
    this.#ahead?.free()
    this.#decoding.close()
  }

  /** Starts at the target's keyframe, unless going on from here is shorter. */
  async #seek(target: PacketRef): Promise<void> {
    const wanted = microseconds(target.timestamp)
    const key = await this.#track.keyAt(target.timestamp)
    const here = this.#heldAt
    const onTheWay =
      this.#sent !== undefined &&
      (here === undefined || here <= wanted) &&
      (key === null || key.timestamp <= this.#sent.timestamp)
    if (onTheWay && !this.#ended) return
    this.#restart()
    if (key !== null) await this.#send(key, wanted)
  }

  #restart(): void {
    this.#decoding.reset()
    this.#held?.free()
    this.#ahead?.free()
    this.#held = undefined
    this.#heldAt = undefined
    this.#ahead = undefined
    this.#aheadAt = undefined
    this.#sent = undefined
    this.#draining = false
    this.#ended = false
    this.#fruitless = 0
    this.#expected = []
  }

  /** One step: the next picture becomes `ahead`, or the next packet goes in. */
  async #advance(wanted: number): Promise<'step' | 'end'> {
    if (this.#aheadAt !== undefined) this.#hold()
    const received = await this.#decoding.receive()
    if (typeof received === 'object') {
      this.#ahead = received
      this.#aheadAt = this.#expected.shift() ?? received.at
      this.#fruitless = 0
      return 'step'
    }
    if (received === 'end' || this.#sent === undefined) return this.#end()
    const packet = await this.#track.next(this.#sent)
    if (packet !== null) {
      await this.#send(packet, wanted)
      return 'step'
    }
    if (this.#draining) return this.#end()
    this.#draining = true
    await this.#decoding.drain()
    return 'step'
  }

  #end(): 'end' {
    this.#ended = true
    return 'end'
  }

  async #send(packet: Packet, wanted: number): Promise<void> {
    this.#sent = packet
    this.#fruitless++
    if (this.#fruitless > MAX_FRUITLESS_PACKETS) {
      throw new VideoError(
        'VIDEO_UNREADABLE',
        `${this.#name} is damaged: ${this.#fruitless} packets gave no picture.`,
      )
    }
    const at = microseconds(packet.timestamp)
    // Where pictures are told apart by counting them, none may be missing.
    const counts = this.#track.setup.decodingOrder === true
    if (counts) this.#expected.push(at)
    await this.#decoding.send(packet, counts || at >= wanted)
  }

  #hold(): void {
    this.#held?.free()
    this.#held = this.#ahead
    this.#heldAt = this.#aheadAt
    this.#ahead = undefined
    this.#aheadAt = undefined
  }
}
