import type { KvCacheType } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import type { Session, Tensor } from '../ort/types.js'
import type { KvCache } from './kv-cache.js'
import { closeAll, float32, type Models } from './models.js'

/**
 * Compresses the first `length` tokens of an fp32 cache into a quantised one, with scales taken from those tokens.
 *
 * @param target - Of a quantised type and of at least the source's capacity.
 * @throws {CancelledError} If the signal fires, within one layer; the target is then half written.
 */
export async function compressCache(
  models: Models,
  source: KvCache,
  target: KvCache,
  length: number,
  signal?: AbortSignal,
): Promise<void> {
  const session = await models.compressor(target.type as Exclude<KvCacheType, 'fp32'>)
  for (const [index, layer] of source.layers.entries()) {
    const to = target.layers[index]!
    await compressTensor(models, session, layer.key, length, to.key, float32(to.keyScale), signal)
    await compressTensor(models, session, layer.value, length, to.value, float32(to.valueScale), signal)
  }
}

async function compressTensor(
  models: Models,
  session: Session,
  cache: Tensor,
  length: number,
  target: Tensor,
  scale: Tensor<'float32'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  throwIfAborted(signal)
  const held = models.backend.tensor('int64', [1], BigInt64Array.of(BigInt(length)))
  try {
    const results = await session.run({ cache, length: held }, { scale }, { ...(signal && { signal }) })
    const { stored } = results
    if (stored !== undefined) copyTokens(stored, target)
    closeAll({ ...(stored && { stored }) })
  } finally {
    held.close()
  }
}

/** Copies `[1, heads, n, size]` to the first n tokens of `[1, heads, capacity, size]`. */
function copyTokens(from: Tensor, to: Tensor): void {
  const heads = from.dims[1]!
  const [short, long] = [from.data.length / heads, to.data.length / heads]
  for (let head = 0; head < heads; head++) {
    const block = from.data.subarray(head * short, (head + 1) * short)
    ;(to.data as Uint8Array).set(block as Uint8Array, head * long)
  }
}
