import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  FeatureCache,
  FeatureLayout,
  FeatureReader,
  FeatureWriter,
} from '../../packages/runtime/src/features/index.js'

/** Frames of this test's videos: two blocks of different width. */
export const LAYOUT: FeatureLayout = {
  frames: 5,
  blocks: [
    { name: 'visual', floatsPerFrame: 12 },
    { name: 'alignment', floatsPerFrame: 3 },
  ],
}

export const KEY = 'a'.repeat(64)

/** A key that differs by number. */
export function key(number: number): string {
  return number.toString(16).padStart(64, '0')
}

/** Values that tell block, frame and place apart. */
export function frameValues(layout: FeatureLayout, block: string, frame: number, seed = 0): Float32Array {
  const at = layout.blocks.findIndex(({ name }) => name === block)
  const floats = layout.blocks[at]?.floatsPerFrame ?? 0
  return Float32Array.from({ length: floats }, (_, i) => seed * 1000 + at * 100 + frame + i / 4096)
}

/** Puts every frame of every block. */
export async function putAll(writer: FeatureWriter, layout: FeatureLayout, seed = 0): Promise<void> {
  for (const { name } of layout.blocks) {
    for (let frame = 0; frame < layout.frames; frame++) {
      await writer.put(name, frame, frameValues(layout, name, frame, seed))
    }
  }
}

/** Everything that a reader gives, block by block. */
export async function readAll(reader: FeatureReader): Promise<Record<string, number[]>> {
  const values: Record<string, number[]> = {}
  for (const { name } of reader.layout.blocks) {
    values[name] = [...(await reader.read(name, 0, reader.layout.frames))]
  }
  return values
}

/** What `readAll` must give after `putAll`. */
export function allValues(layout: FeatureLayout, seed = 0): Record<string, number[]> {
  const frames = Array.from({ length: layout.frames }, (_, frame) => frame)
  return Object.fromEntries(
    layout.blocks.map(({ name }) => [
      name,
      frames.flatMap((frame) => [...frameValues(layout, name, frame, seed)]),
    ]),
  )
}

/** Writes a whole entry and closes it. */
export async function addEntry(
  cache: FeatureCache,
  entryKey: string,
  layout = LAYOUT,
  seed = 0,
): Promise<void> {
  const writer = await cache.create(entryKey, layout)
  await putAll(writer, layout, seed)
  await (await writer.commit({ seed })).close()
}

/** Bytes of all files in a folder. */
export async function folderBytes(folder: string): Promise<number> {
  const sizes = await Promise.all(
    (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
