import type { TensorDtype } from '../tensor-source.js'

/** What a state dict's pickle can describe; nothing else is ever made from one. */
export type PickleValue =
  | string
  | number
  | boolean
  | null
  | PickleSequence
  | PickleDict
  | PickleGlobal
  | PickleStorage
  | PickleTensor

export interface PickleSequence {
  readonly kind: 'list' | 'tuple'
  readonly items: PickleValue[]
}

/** A `dict` or `OrderedDict`. */
export interface PickleDict {
  readonly kind: 'dict'
  readonly entries: Map<string | number, PickleValue>
}

/** A name of the closed list; never looked up anywhere. */
interface PickleGlobal {
  readonly kind: 'global'
  readonly name: string
}

/** A file of the archive that holds elements. */
export interface PickleStorage {
  readonly kind: 'storage'
  readonly dtype: TensorDtype
  /** Name of the file in the archive's folder `data`. */
  readonly key: string
  readonly elements: number
}

/** A view of a storage; counts are in elements. */
export interface PickleTensor {
  readonly kind: 'tensor'
  readonly storage: PickleStorage
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** A value of one kind, or undefined where it is of another. */
export function ofKind<K extends 'list' | 'tuple' | 'dict' | 'global' | 'storage' | 'tensor'>(
  value: PickleValue | undefined,
  kind: K,
): Extract<PickleValue, { kind: K }> | (K extends 'list' | 'tuple' ? PickleSequence : never) | undefined {
  const fits = typeof value === 'object' && value !== null && value.kind === kind
  return fits ? (value as Extract<PickleValue, { kind: K }>) : undefined
}

/** A whole number from 0 that is held exactly. */
export function isCount(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** What to call a value in a message. */
export function kindOf(value: PickleValue | undefined): string {
  if (value === null) return 'None'
  return typeof value === 'object' ? value.kind : typeof value
}
