/** What JSON can hold. Numbers are finite. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

/** A named array of features, `[frames, floatsPerFrame]`. */
interface FeatureBlock {
  readonly name: string
  readonly floatsPerFrame: number
}

/** What is kept of a video: every block holds every frame. */
export interface FeatureLayout {
  readonly frames: number
  readonly blocks: readonly FeatureBlock[]
}

/** Features that are complete. Stays readable until closed, even if the cache drops the entry meanwhile. */
export interface FeatureReader {
  readonly layout: FeatureLayout
  /** What `commit` was given. */
  readonly details: JsonValue
  /**
   * Frames `startFrame` up to, not including, `endFrame` of a block, checked against their checksums.
   *
   * @returns A new `[endFrame − startFrame, floatsPerFrame]` array that belongs to the caller.
   * @throws {InvalidOptionError} For a block or a range that the layout does not have.
   * @throws {FeatureCacheError} If the bytes cannot be read, were changed since, or the reader is closed.
   */
  read(block: string, startFrame: number, endFrame: number): Promise<Float32Array>
  /**
   * Bytes that were attached under this name; undefined if none were.
   *
   * @throws {FeatureCacheError} As for `read`.
   */
  bytes(name: string): Promise<Uint8Array | undefined>
  /** Gives file and memory back; safe to call twice. */
  close(): Promise<void>
}

/** Features that are being made. Ends with `commit` or `abort`, one of which must be called. */
export interface FeatureWriter {
  /**
   * Writes one frame of one block, in any order; every frame of every block exactly once. Calls may overlap.
   *
   * @param values - `[floatsPerFrame]`; read until the promise settles, never retained.
   * @throws {InvalidOptionError} For a block or frame that the layout does not have or that was put before.
   * @throws {ShapeError} If the length is not `floatsPerFrame`.
   * @throws {FeatureCacheError} If it can be kept nowhere: neither in the cache, nor in memory, nor in a temporary file.
   */
  put(block: string, frame: number, values: Float32Array): Promise<void>
  /**
   * Attaches bytes under a name of its own, such as a thumbnail.
   *
   * @throws {InvalidOptionError} For a name that is taken or too long.
   * @throws {FeatureCacheError} As for `put`.
   */
  putBytes(name: string, bytes: Uint8Array): Promise<void>
  /**
   * Ends writing. In a cache, the entry can be found from here on.
   *
   * @param details - Whatever else a later reader must know.
   * @throws {InvalidOptionError} If a frame is missing, or `details` is not JSON or too long.
   * @throws {FeatureCacheError} If an earlier `put` failed.
   */
  commit(details: JsonValue): Promise<FeatureReader>
  /** Drops everything; safe to call twice, and without effect after `commit`. */
  abort(): Promise<void>
}
