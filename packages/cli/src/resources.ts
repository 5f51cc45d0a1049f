import type { VideoPlan } from '@longtake/core'
import {
  estimateMemory,
  type MemoryEstimate,
  type MemoryOptions,
  type ModelDescription,
  type ModelSizes,
} from '@longtake/runtime'
import type { Machine } from './machine.js'

/** Storage of weights, from the largest. */
export const WEIGHTS = ['fp32', 'int8', 'int4'] as const

/** What a plan takes of a machine, in bytes. */
export interface Resources {
  /** Numbers that the checkpoint's used parts have. */
  readonly parameters: number
  /** What `longtake pull` would download; 0 where the model is here. */
  readonly download: { readonly bytes: number; readonly files: number }
  /** The weights as each storage has them, on disk once they are prepared, and in memory. */
  readonly weights: Readonly<Record<(typeof WEIGHTS)[number], number>>
  /** Estimated, with the storage that was asked for. */
  readonly memory: { readonly storage: (typeof WEIGHTS)[number] } & MemoryEstimate
  readonly machine: Machine
  /** Whether the machine has it; null where the system does not say. */
  readonly fits: { readonly memory: boolean; readonly disk: boolean | null }
}

export function measureResources(
  model: ModelDescription,
  plan: VideoPlan,
  options: MemoryOptions & { readonly weights: (typeof WEIGHTS)[number] },
  machine: Machine,
): Resources {
  const memory = estimateMemory(model, plan, options)
  return {
    parameters: model.parameters.total,
    download: model.download,
    weights: {
      fp32: preparedBytes(model, 'fp32'),
      int8: preparedBytes(model, 'int8'),
      int4: preparedBytes(model, 'int4'),
    },
    memory: { storage: options.weights, ...memory },
    machine,
    fits: {
      memory: memory.peak <= usableMemory(machine),
      disk: machine.freeDisk === undefined ? null : diskBytes(model, options.weights) <= machine.freeDisk,
    },
  }
}

/** A model that is to come takes its files, and its weights as they are prepared from them. */
function diskBytes(model: ModelDescription, weights: (typeof WEIGHTS)[number]): number {
  const { bytes, files } = model.download
  return files === 0 ? 0 : bytes + preparedBytes(model, weights)
}

/** Weights in a storage, without the embedding table, whose rows are read from the published files. */
export function preparedBytes({ weightBytes }: ModelSizes, weights: (typeof WEIGHTS)[number]): number {
  const { total, embedding } = weightBytes[weights]
  return total - embedding
}

/** Bytes that a process may still take. */
export function usableMemory({ memory, freeMemory }: Machine): number {
  return freeMemory ?? memory
}
