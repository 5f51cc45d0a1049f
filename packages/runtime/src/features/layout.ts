import { InvalidOptionError } from '@longtake/core'
import type { FeatureLayout } from './types.js'

/** Far above the frames of any plan; bounds the table of checksums that a header can ask for. */
const MAX_FRAMES = 1 << 20
/** Patches, class tokens, alignment and the like: a handful. */
const MAX_BLOCKS = 64
/** Checksums are kept per frame and block: 16 MiB of them at most. */
export const MAX_CHECKSUMS = 1 << 22
/** 1 GiB a frame; the largest known, 576 patches of 5,120 floats, takes 11 MiB. */
const MAX_FLOATS_PER_FRAME = 1 << 28
/** Longest name of a block or an attachment, in UTF-16 units. */
export const MAX_NAME_LENGTH = 256

/** Bounds what one `bytes` call allocates: a thumbnail takes some kilobytes. */
export const MAX_ATTACHMENT_BYTES = 64 * 2 ** 20

const FLOAT_BYTES = 4

/** Where a block lies: frame `f` at `start + f · frameBytes`, in bytes from the first block. */
export interface BlockPlace {
  readonly index: number
  readonly start: number
  readonly frameBytes: number
  readonly floatsPerFrame: number
}

/** A layout with its places worked out. */
export interface PlacedLayout {
  readonly layout: FeatureLayout
  readonly blocks: ReadonlyMap<string, BlockPlace>
  /** Bytes of all blocks together. */
  readonly dataBytes: number
}

/**
 * Says what is wrong with a layout, which may come from a file that nobody vouches for.
 *
 * @returns Field and requirement; undefined if the layout can be used.
 */
export function layoutProblem(layout: unknown): readonly [field: string, requirement: string] | undefined {
  if (!isRecord(layout)) return ['layout', 'an object']
  const { frames, blocks } = layout
  if (!isCount(frames, MAX_FRAMES)) return ['layout.frames', `a whole number from 1 to ${MAX_FRAMES}`]
  if (!Array.isArray(blocks) || blocks.length < 1 || blocks.length > MAX_BLOCKS) {
    return ['layout.blocks', `1 to ${MAX_BLOCKS} blocks`]
  }
  if (frames * blocks.length > MAX_CHECKSUMS) {
    return ['layout.frames', `at most ${MAX_CHECKSUMS} frames and blocks multiplied`]
  }
  const names = new Set<unknown>()
  let floats = 0
  for (const block of blocks) {
    if (!isRecord(block) || !isName(block.name) || names.has(block.name)) {
      return ['layout.blocks', `names of their own, 1 to ${MAX_NAME_LENGTH} characters`]
    }
    names.add(block.name)
    const size = block.floatsPerFrame
    if (!isCount(size, MAX_FLOATS_PER_FRAME)) {
      return ['layout.blocks', `floatsPerFrame from 1 to ${MAX_FLOATS_PER_FRAME}, whole numbers`]
    }
    floats += size * frames
  }
  // Half of what a float64 counts exactly, so that header and attachments can be added.
  if (floats * FLOAT_BYTES > Number.MAX_SAFE_INTEGER / 2) return ['layout', 'less than 4 PiB']
  return undefined
}

/** @throws {InvalidOptionError} If the layout cannot be used. */
export function placeLayout(layout: FeatureLayout): PlacedLayout {
  const problem = layoutProblem(layout)
  if (problem !== undefined) throw new InvalidOptionError(...problem, layout)
  const blocks = new Map<string, BlockPlace>()
  let start = 0
  for (const [index, { name, floatsPerFrame }] of layout.blocks.entries()) {
    const frameBytes = floatsPerFrame * FLOAT_BYTES
    blocks.set(name, { index, start, frameBytes, floatsPerFrame })
    start += frameBytes * layout.frames
  }
  // A copy, so that a caller who changes his object later changes nothing here.
  const copy = {
    frames: layout.frames,
    blocks: layout.blocks.map(({ name, floatsPerFrame }) => ({ name, floatsPerFrame })),
  }
  return { layout: copy, blocks, dataBytes: start }
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 1 && value.length <= MAX_NAME_LENGTH
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max
}
