import type { KvCacheType } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import type { Session, Tensor } from '../ort/types.js'
import type { KvCache } from './kv-cache.js'
import { closeAll, float32, type Models } from './models.js'
import { TensorGroup } from './tensor-group.js'

/** Tokens at the beginning of a cache: the first `kept` are stored; those up to `seen` are an example of later text. */
export interface CompressSpan {
  readonly kept: number
  readonly seen: number
}

/**
 * Compresses the first tokens of an fp32 cache into a quantised one, with scales that suit them and text like the
 * example that comes after them.
 *
 * @param target - Of a quantised type, with room for the tokens that are kept.
 * @throws {CancelledError} If the signal fires, within one layer; the target is then half written.
 */
export async function compressCache(
  models: Models,
  source: KvCache,
  target: KvCache,
  span: CompressSpan,
  signal?: AbortSignal,
): Promise<void> {
  const session = await models.compressor(target.type as Exclude<KvCacheType, 'fp32'>)
  for (const [index, layer] of source.layers.entries()) {
    const to = target.layers[index]!
    await compressTensor(models, session, layer.key, span, to.key, float32(to.keyScale), signal)
    await compressTensor(models, session, layer.value, span, to.value, float32(to.valueScale), signal)
  }
}

async function compressTensor(
  models: Models,
  session: Session,
  cache: Tensor,
  { kept, seen }: CompressSpan,
  target: Tensor,
  scale: Tensor<'float32'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  throwIfAborted(signal)
  const counts = new TensorGroup(models.backend)
  try {
    const length = counts.add('int64', [1], BigInt64Array.of(BigInt(kept)))
    const all = counts.add('int64', [1], BigInt64Array.of(BigInt(seen)))
    const feeds = { cache, length, seen: all }
    const { stored } = await session.run(feeds, { scale }, { ...(signal && { signal }) })
    if (stored !== undefined) copyTokens(stored, target, kept)
    closeAll({ ...(stored && { stored }) })
  } finally {
    counts.close()
  }
}

/** Copies the first tokens of `[1, heads, capacity, size]` to a tensor of another capacity. */
function copyTokens(from: Tensor, to: Tensor, tokens: number): void {
  const [, heads, fromCapacity, size] = from.dims as [number, number, number, number]
  const toCapacity = to.dims[2]!
  for (let head = 0; head < heads; head++) {
    const start = head * fromCapacity * size
    const block = from.data.subarray(start, start + tokens * size)
    ;(to.data as Uint8Array).set(block as Uint8Array, head * toCapacity * size)
  }
}
