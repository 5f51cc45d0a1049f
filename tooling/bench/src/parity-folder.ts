import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import type { InputFrame } from '@longtake/runtime'
import { isRecord, parseJson, requireField } from './json.js'
import { type NpyArray, readNpy } from './npy.js'

/** One case of a parity folder. */
export interface ParityCase {
  readonly name: string
  /** `video`, `image`, `intp` or `guide`. */
  readonly kind: string
  /** The whole prompt, with one placeholder. */
  readonly prompt: string
  /** The question inside the prompt: what the guide reads. */
  readonly question: string
  /** Arrays by name, such as `vision_features`. */
  readonly expected: ReadonlyMap<string, NpyArray>
}

/**
 * Reads a parity folder's `expected/`.
 *
 * @throws {InvalidOptionError} If `expected.json` or an array is missing or not what it declares.
 */
export async function readParityFolder(folder: string): Promise<readonly ParityCase[]> {
  const path = join(folder, 'expected', 'expected.json')
  const document = parseJson(await readOrRefuse(path), path)
  const cases = requireField(document, 'cases', isRecord, path)
  return Promise.all(
    Object.entries(cases).map(async ([name, item]) => {
      const where = `${path}: ${name}`
      const files = requireField(item, 'files', isRecord, where)
      const arrays = Object.entries(files).map(async ([key, file]) => {
        return [key, await readArray(folder, file, `${where}.${key}`)] as const
      })
      return {
        name,
        kind: requireField(item, 'kind', isText, where),
        prompt: requireField(item, 'prompt', isText, where),
        question: requireField(item, 'question', isText, where),
        expected: new Map(await Promise.all(arrays)),
      }
    }),
  )
}

/**
 * A case's pictures, as the public API takes them.
 *
 * @throws {InvalidOptionError} If the case has no `frames_u8` `[F, H, W, 3]` of bytes.
 */
export function casePictures({ name, expected }: ParityCase): readonly InputFrame[] {
  const array = expected.get('frames_u8')
  const [count = 0, height = 0, width = 0, channels] = array?.shape ?? []
  if (!(array?.data instanceof Uint8Array) || array.shape.length !== 4 || channels !== 3) {
    throw new InvalidOptionError(`${name}.frames_u8`, 'uint8 [F, H, W, 3]', array?.shape)
  }
  const { data } = array
  const size = height * width * 3
  return Array.from({ length: count }, (_, index) => ({
    rgb: data.slice(index * size, (index + 1) * size),
    width,
    height,
  }))
}

async function readArray(folder: string, described: unknown, where: string): Promise<NpyArray> {
  const file = requireField(described, 'file', isText, where)
  const path = join(folder, 'expected', file)
  const array = readNpy(await readOrRefuse(path), path)
  const shape = isRecord(described) ? described.shape : undefined
  if (Array.isArray(shape) && JSON.stringify(shape) !== JSON.stringify(array.shape)) {
    throw new InvalidOptionError(where, `the shape ${JSON.stringify(shape)} that is declared`, array.shape)
  }
  return array
}

async function readOrRefuse(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new InvalidOptionError('--dir', 'a parity folder', `${path}, which cannot be read`, { cause })
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
