import { CheckpointError } from '@longtake/core'
import type { TensorInfo, TensorSource } from '@longtake/kernels'
import { readConfig, readParts } from '../checkpoint/read-model.js'
import { PUBLISHED, type PublishedShape } from './published.js'
import { type ModelSizes, sizesOf } from './sizes.js'

/** A published model that Longtake knows the sizes of. */
export interface PublishedModel extends ModelSizes {
  /** Hugging Face id. */
  readonly id: string
  /** Bytes that pulling it downloads, about. */
  readonly downloadBytes: number
  /** Folder of the repository that it lies in; such a model is not pulled, but loads once the folder is here. */
  readonly subfolder?: string
}

/** See `publishedModels` of the package. */
export function publishedModels(): Promise<PublishedModel[]> {
  return Promise.all(PUBLISHED.map(describe))
}

async function describe(published: PublishedShape): Promise<PublishedModel> {
  const { id, downloadBytes, subfolder, files, tensors = {} } = published
  const place = { path: id, json: async (name: string) => files[name] }
  const { family, json } = await readConfig(place)
  const sizes = sizesOf(await readParts(place, family, json, shapesOnly(tensors)))
  return { id, downloadBytes, ...(subfolder !== undefined && { subfolder }), ...sizes }
}

/** Shapes without values. */
function shapesOnly(tensors: NonNullable<PublishedShape['tensors']>): TensorSource {
  const info = (name: string): TensorInfo => {
    const shape = tensors[name]
    if (shape !== undefined) return { dtype: 'F16', shape }
    throw new CheckpointError('CHECKPOINT_TENSOR', `The shape of ${name} is not known.`)
  }
  const refuse = (name: string): Promise<never> =>
    Promise.reject(new CheckpointError('CHECKPOINT_TENSOR', `${name} is known by its shape only.`))
  const names = Object.keys(tensors)
  return {
    names: () => names,
    has: (name) => names.includes(name),
    info,
    read: refuse,
    readRows: refuse,
    readRaw: refuse,
  }
}
