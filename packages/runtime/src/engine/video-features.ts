import { EngineError } from '@longtake/core'
import { FeatureCacheError } from '../features/error.js'
import type { FeatureReader } from '../features/types.js'

/** Makes features once more, without the cache. */
export type RemakeFeatures = (signal: AbortSignal | undefined) => Promise<FeatureReader>

/** A watched video's features; those that cannot be read back are made again, once. */
export class VideoFeatures {
  readonly notes: string[] = []
  #reader: FeatureReader
  #remake: RemakeFeatures | undefined

  /** @param remake - Where the video can still be read. */
  constructor(reader: FeatureReader, remake: RemakeFeatures | undefined) {
    this.#reader = reader
    this.#remake = remake
  }

  /**
   * Works with the features; the work may be done twice.
   *
   * @throws {EngineError} `ENGINE_FAILED` if they cannot be read back, and not be made again.
   */
  async use<R>(work: (reader: FeatureReader) => Promise<R>, signal: AbortSignal | undefined): Promise<R> {
    try {
      return await work(this.#reader)
    } catch (error) {
      if (!(error instanceof FeatureCacheError)) throw error
      await this.#again(error, signal)
      return await work(this.#reader).catch((second: unknown) => {
        throw second instanceof FeatureCacheError ? lost(second) : second
      })
    }
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  async #again(cause: FeatureCacheError, signal: AbortSignal | undefined): Promise<void> {
    const remake = this.#remake
    if (remake === undefined) throw lost(cause)
    const reader = await remake(signal).catch((error: unknown) => {
      throw error instanceof FeatureCacheError ? lost(error) : error
    })
    this.#remake = undefined
    const old = this.#reader
    this.#reader = reader
    this.notes.push(`Features were computed again: ${cause.message}`)
    await old.close()
  }
}

/** Failures of keeping features, as the engine's own. */
export function lost(cause: FeatureCacheError): EngineError {
  return new EngineError('ENGINE_FAILED', `The video's features could not be kept. ${cause.message}`, {
    cause,
  })
}
