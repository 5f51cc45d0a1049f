import type { PlacedLayout } from './layout.js'
import type { JsonValue } from './types.js'

/** An attachment: its bytes lie behind the blocks, in the order in which they came. */
export interface AttachmentPlace {
  readonly name: string
  readonly start: number
  readonly length: number
  readonly checksum: number
}

/** Everything about an entry but its bytes. Positions are in bytes from the start of the entry. */
export interface EntryIndex {
  readonly placed: PlacedLayout
  readonly details: JsonValue
  readonly attachments: ReadonlyMap<string, AttachmentPlace>
  /** CRC-32 of frame `f` of block `b` at `b · frames + f`. */
  readonly checksums: Uint32Array
}
