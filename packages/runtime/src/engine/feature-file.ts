import type { VideoPlan } from '@longtake/core'
import { FeatureCacheError } from '../features/error.js'
import type { FeatureLayout, FeatureReader, FeatureWriter, JsonValue } from '../features/types.js'
import type { EncodedFrame, FrameSink } from './encode.js'
import type { Pictures } from './pictures.js'

/** Name of the small pictures among what is kept with features. */
const THUMBNAILS = 'thumbnails'

/** Writes frames as they are encoded. */
export function writerSink(
  writer: FeatureWriter,
  plan: VideoPlan,
  width: number,
  classToken: boolean,
): FrameSink {
  // The class token comes first, and belongs to no place in the picture.
  const start = plan.pooling !== null && classToken ? width : 0
  return {
    async put({ place, tokens, alignment }: EncodedFrame) {
      await writer.put('projected', place, tokens.subarray(start))
      if (alignment !== undefined) await writer.put('alignment', place, alignment)
    },
  }
}

/** Ends writing; what was seen of the pictures is kept with their features. */
export async function commitFeatures(writer: FeatureWriter, pictures: Pictures): Promise<FeatureReader> {
  const { thumbnails, timestamps } = pictures
  const packed = new Uint8Array(thumbnails.reduce((sum, { rgb }) => sum + rgb.length, 0))
  let offset = 0
  for (const { rgb } of thumbnails) {
    packed.set(rgb, offset)
    offset += rgb.length
  }
  await writer.putBytes(THUMBNAILS, packed)
  return writer.commit({
    timestamps: [...timestamps],
    thumbnails: thumbnails.map(({ width, height }) => [width, height]),
  })
}

/**
 * The pictures that `commitFeatures` kept.
 *
 * @param frames - How many there must be.
 * @throws {FeatureCacheError} If they cannot be read, or they or the features are not those of `layout`.
 */
export async function readPictures(
  reader: FeatureReader,
  layout: FeatureLayout,
  frames: number,
): Promise<Pictures> {
  if (!isSameLayout(reader.layout, layout)) throw otherPictures()
  const packed = await reader.bytes(THUMBNAILS)
  const timestamps = listOf(reader.details, 'timestamps').filter((value) => typeof value === 'number')
  const sizes = listOf(reader.details, THUMBNAILS)
  if (packed === undefined || timestamps.length !== frames || sizes.length !== frames) throw otherPictures()
  let offset = 0
  const thumbnails = sizes.map((size) => {
    const [width, height] = Array.isArray(size) ? size : []
    if (typeof width !== 'number' || typeof height !== 'number') throw otherPictures()
    const rgb = packed.slice(offset, offset + width * height * 3)
    offset += width * height * 3
    if (rgb.length === 0 || offset > packed.length) throw otherPictures()
    return { width, height, rgb }
  })
  return { thumbnails, timestamps }
}

function isSameLayout(found: FeatureLayout, expected: FeatureLayout): boolean {
  return (
    found.frames === expected.frames &&
    found.blocks.length === expected.blocks.length &&
    expected.blocks.every(({ name, floatsPerFrame }, index) => {
      const block = found.blocks[index]
      return block?.name === name && block.floatsPerFrame === floatsPerFrame
    })
  )
}

function listOf(details: JsonValue, name: string): readonly JsonValue[] {
  const list: unknown =
    typeof details === 'object' && details !== null ? Reflect.get(details, name) : undefined
  return Array.isArray(list) ? list : []
}

function otherPictures(): FeatureCacheError {
  return new FeatureCacheError(
    'changed',
    'The features kept, or the pictures with them, are not those of this plan.',
  )
}
