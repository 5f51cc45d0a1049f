import type { ModelSpec } from '@longtake/core'
import type { WeightType } from '@longtake/kernels'
import type { ReadModel } from '../checkpoint/read-model.js'
import { defaultStorage } from './default-storage.js'

/** Inputs that share a scale in a quantised matrix. */
const BLOCK = 32
const SCALE_BYTES = 4

/** A number for each part of a checkpoint. */
export interface PartSizes {
  /** Vision tower, with a temporal branch beside it. */
  readonly tower: number
  /** Projector, and what follows the last frame. */
  readonly projector: number
  /** Layers and head. */
  readonly decoder: number
  /** Table of the tokens' rows. */
  readonly embedding: number
  /** Text guide; 0 where there is none. */
  readonly guide: number
  readonly total: number
}

/** Sizes that memory at work follows from. */
export interface WorkingSizes {
  readonly vision: {
    readonly hiddenSize: number
    readonly intermediateSize: number
    readonly heads: number
    /** Tokens of one frame inside the tower. */
    readonly tokens: number
    /** Pictures that go through the tower at once. */
    readonly framesPerClip: number
  }
  readonly decoder: { readonly heads: number; readonly intermediateSize: number }
  /** Width of the space that patches share with a text guide; 0 without one. */
  readonly alignmentSize: number
}

/** What is known of a checkpoint without loading it. */
export interface ModelSizes {
  readonly spec: ModelSpec
  /** Numbers that are used; a tied head counts once, parts of the file that nothing reads do not count. */
  readonly parameters: PartSizes
  /** Bytes of each part by the `weights` of `load`; a quantised matrix takes 5 or 9 bits a number, scales included. */
  readonly weightBytes: Readonly<Record<WeightType, PartSizes>>
  readonly working: WorkingSizes
  /** The `weights` of `load` where nothing is said. */
  readonly defaultWeights: WeightType
}

type Part = Exclude<keyof PartSizes, 'total'>

interface SizedTensor {
  readonly part: Part
  readonly shape: readonly number[]
  /** Whether it is a matrix that quantised weights pack. */
  readonly isMatrix: boolean
  /** Whether its numbers stand in the checkpoint once more. */
  readonly isRepeated?: boolean
}

/** Sizes of a checkpoint as its config asks for them. */
export function sizesOf(read: ReadModel): ModelSizes {
  const { spec, vision, decoder, guide } = read.model
  const tensors = sizedTensors(read)
  const bytesAs = (type: WeightType): PartSizes => sum(tensors, (tensor) => storedBytes(tensor, type))
  const parameters = sum(tensors, ({ shape, isRepeated }) => (isRepeated ? 0 : product(shape)))
  return {
    spec,
    parameters,
    defaultWeights: defaultStorage(parameters.total),
    weightBytes: { fp32: bytesAs('fp32'), int8: bytesAs('int8'), int4: bytesAs('int4') },
    working: {
      vision: {
        hiddenSize: vision.hiddenSize,
        intermediateSize: vision.intermediateSize,
        heads: vision.heads,
        tokens: Math.floor(vision.imageSize / vision.patchSize) ** 2 + (vision.kind === 'siglip' ? 0 : 1),
        framesPerClip: spec.encoder.framesPerClip,
      },
      decoder: { heads: decoder.heads, intermediateSize: decoder.intermediateSize },
      alignmentSize: guide?.alignment.alignmentSize ?? 0,
    },
  }
}

function sizedTensors({ model, names, inventory, guide }: ReadModel): SizedTensor[] {
  const embedding = `${names.decoder.model}embed_tokens.weight`
  const partOf = (name: string): Part => {
    if (name === embedding) return 'embedding'
    if (name.startsWith(names.vision)) return 'tower'
    const isProjector = names.projector.some((layer) => name.startsWith(`${layer}.`))
    return isProjector || name === names.newline ? 'projector' : 'decoder'
  }
  const own = [...inventory.required].map(([name, shape]) => sized(name, shape, partOf(name)))
  const guiding = [...(guide?.inventory.required ?? [])].map(([name, shape]) => sized(name, shape, 'guide'))
  const { vocabularySize, hiddenSize, tiedHead } = model.decoder
  // The head is stored by itself, as the head's graph needs it.
  const shape = [vocabularySize, hiddenSize]
  const head: SizedTensor[] = tiedHead ? [{ part: 'decoder', shape, isMatrix: true, isRepeated: true }] : []
  return [...own, ...head, ...guiding]
}

function sized(name: string, shape: readonly number[] | null, part: Part): SizedTensor {
  // Tables are looked up in, not multiplied with: they stay as they are.
  return { part, shape: shape ?? [0], isMatrix: shape?.length === 2 && !/embed/.test(name) }
}

function storedBytes({ shape, isMatrix }: SizedTensor, type: WeightType): number {
  const [rows = 0, columns = 0] = shape
  if (type === 'fp32' || !isMatrix) return 4 * product(shape)
  const bits = type === 'int8' ? 8 : 4
  return rows * Math.ceil(columns / BLOCK) * ((BLOCK * bits) / 8 + SCALE_BYTES)
}

function sum(tensors: readonly SizedTensor[], size: (tensor: SizedTensor) => number): PartSizes {
  const parts = { tower: 0, projector: 0, decoder: 0, embedding: 0, guide: 0 }
  for (const tensor of tensors) parts[tensor.part] += size(tensor)
  const { tower, projector, decoder, embedding, guide } = parts
  return { ...parts, total: tower + projector + decoder + embedding + guide }
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, axis) => size * axis, 1)
}
