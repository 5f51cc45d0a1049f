import { CheckpointError, type ModelSpec, type PoolingMethod, type Triple } from '@longtake/core'
import type { Fields } from './fields.js'
import type { LongtakeFacts } from './longtake-json.js'

/** Window as PPLLaVA published it: two frames, three by three patches. */
const VIDEO_KERNEL: Triple = [2, 3, 3]
/** Softmax temperature inside a window, as PPLLaVA published it. */
const TEMPERATURE = 0.01
/** Far above any grid of patches; products of three of them stay exact. */
const MAX_WINDOW = 4096
/** A softmax over weights of at most 1 is its largest entry below this range, and the mean above it. */
const TEMPERATURE_RANGE = { min: 1e-6, max: 1e6 }

/** What a config.json says of pooling. */
export interface PoolingFacts {
  /** Whether it names prompt-guided pooling (`pooling: "ppllava"`); undefined where it is silent. */
  readonly named: 'ppllava' | 'none' | undefined
  readonly kernel: Triple
  readonly stride: Triple
  readonly imageKernel: Triple
  readonly imageStride: Triple
  readonly temperature: number
  /** Whether the guide's 77 text positions are to be stretched to 248. */
  readonly extendClip: boolean
  /** Hub id of the CLIP model that the guide was taken from. */
  readonly clipWeight: string | undefined
}

/**
 * Reads the fields that PPLLaVA's configs have beside those of the base model; all optional.
 *
 * @throws {CheckpointError} Naming the field that is invalid or not supported.
 */
export function readPoolingFields(fields: Fields): PoolingFacts {
  const named = fields.has('pooling') ? fields.word('pooling', ['ppllava', 'none'], 'none') : undefined
  const kernel = readTriple(fields, 'pooling_kernel', VIDEO_KERNEL)
  // Images stand alone, so a window that is only given for videos loses its frames.
  const imageKernel = readTriple(fields, 'image_pooling_kernel', [1, kernel[1], kernel[2]])
  return {
    named,
    kernel,
    stride: readTriple(fields, 'pooling_stride', kernel),
    imageKernel,
    imageStride: readTriple(fields, 'image_pooling_stride', imageKernel),
    temperature: fields.number('pooling_temp', { default: TEMPERATURE, ...TEMPERATURE_RANGE }),
    extendClip: fields.boolean('extend_clip', false),
    clipWeight: fields.has('clip_weight') ? fields.string('clip_weight') : undefined,
  }
}

/** Three whole numbers from 1: frames, rows, columns. */
export function readTriple(fields: Fields, name: string, fallback: Triple): Triple {
  const [frames = 0, rows = 0, columns = 0] = fields.numbers(name, 3, fallback)
  const triple: Triple = [frames, rows, columns]
  if (triple.every((size) => Number.isSafeInteger(size) && size >= 1 && size <= MAX_WINDOW)) return triple
  throw fields.invalid(name, `three whole numbers from 1 to ${MAX_WINDOW}: frames, rows, columns`)
}

export function readTemperature(fields: Fields, name: string): number {
  return fields.number(name, TEMPERATURE_RANGE)
}

/** The pooling part of a spec: `longtake.json` over config.json. */
export function poolingSpec(
  config: PoolingFacts,
  longtake: LongtakeFacts,
  guided: boolean,
): ModelSpec['pooling'] {
  return {
    guided,
    temperature: longtake.temperature ?? config.temperature,
    kernel: longtake.kernel ?? config.kernel,
    stride: longtake.kernel ?? config.stride,
    imageKernel: longtake.imageKernel ?? config.imageKernel,
    imageStride: longtake.imageKernel ?? config.imageStride,
  }
}

/**
 * What a checkpoint pools by when nothing else is asked.
 *
 * @throws {CheckpointError} `CHECKPOINT_TENSOR` if it is to be guided and there is no guide.
 */
export function defaultPooling(
  config: PoolingFacts,
  longtake: LongtakeFacts,
  guided: boolean,
): PoolingMethod {
  const method = longtake.pooling ?? (config.named === 'ppllava' ? 'guided' : 'none')
  if (method !== 'guided' || guided) return method
  const field =
    longtake.pooling === undefined
      ? 'config.json: pooling "ppllava"'
      : 'longtake.json: default_pooling "guided"'
  throw new CheckpointError(
    'CHECKPOINT_TENSOR',
    `${field} asks for the text guide, whose tensors are missing (multi_modal_projector.clip_visual_projection.weight and others).`,
  )
}
