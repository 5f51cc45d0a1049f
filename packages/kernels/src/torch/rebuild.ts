import type { TensorDtype } from '../tensor-source.js'
import { isCount, ofKind, type PickleStorage, type PickleTensor, type PickleValue } from './pickle-values.js'

/** Most dimensions of a tensor: torch's own limit. */
const MAX_RANK = 64

const STORAGE_DTYPES: ReadonlyMap<string, TensorDtype> = new Map([
  ['torch.DoubleStorage', 'F64'],
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
])

type Rebuild = (values: readonly PickleValue[]) => PickleValue | undefined

/** What may be called, each with what is made here in its place; undefined for arguments torch does not write. */
const REBUILDS: ReadonlyMap<string, Rebuild> = new Map<string, Rebuild>([
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  [
    'collections.OrderedDict',
    (values) => (values.length === 0 ? { kind: 'dict', entries: new Map() } : undefined),
  ],
])

/** Whether a global is one of the closed list. */
export function isKnownGlobal(name: string): boolean {
  return REBUILDS.has(name) || STORAGE_DTYPES.has(name)
}

/** What calling a global of the list describes, or undefined where it cannot be called so. */
export function rebuild(callee: PickleValue, values: PickleValue): PickleValue | undefined {
  const name = ofKind(callee, 'global')?.name
  const items = ofKind(values, 'tuple')?.items
  return name === undefined || items === undefined ? undefined : REBUILDS.get(name)?.(items)
}

/** The storage that a persistent id names: `('storage', type, key, device, elements)`. */
export function storageOf(id: PickleValue): PickleStorage | undefined {
  const [word, type, key, device, elements, ...rest] = ofKind(id, 'tuple')?.items ?? []
  const dtype = STORAGE_DTYPES.get(ofKind(type, 'global')?.name ?? '')
  const fits = word === 'storage' && dtype && typeof device === 'string' && rest.length === 0
  if (!fits || typeof key !== 'string' || !isCount(elements)) return undefined
  return { kind: 'storage', dtype, key, elements }
}

/** Arguments: storage, offset, shape, strides, whether it has a gradient, hooks. */
function rebuildTensor(values: readonly PickleValue[]): PickleTensor | undefined {
  if (values.length !== 6) return undefined
  const storage = ofKind(values[0], 'storage')
  const offset = values[1]
  const shape = counts(values[2])
  const strides = counts(values[3])
  if (!storage || !isCount(offset) || !shape || !strides || shape.length !== strides.length) return undefined
  if (typeof values[4] !== 'boolean' || ofKind(values[5], 'dict')?.entries.size !== 0) return undefined
  return { kind: 'tensor', storage, offset, shape, strides }
}

/** Arguments: tensor, whether it has a gradient, hooks. */
function rebuildParameter(values: readonly PickleValue[]): PickleTensor | undefined {
  const [tensor, gradient, hooks] = values
  if (values.length !== 3 || typeof gradient !== 'boolean') return undefined
  return ofKind(hooks, 'dict')?.entries.size === 0 ? ofKind(tensor, 'tensor') : undefined
}

function counts(value: PickleValue | undefined): readonly number[] | undefined {
  const items = ofKind(value, 'tuple')?.items
  return items && items.length <= MAX_RANK && items.every(isCount) ? items : undefined
}
