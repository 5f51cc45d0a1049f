import type { Backend, Tensor } from '../../packages/runtime/src/ort/index.js'

/** A back end whose KV caches are counted while they live. */
export interface ObservedBackend {
  readonly backend: Backend
  /** Bytes of all caches now. */
  cacheBytes(): number
  /** Most bytes of all caches at any time since the last call. */
  peakCacheBytes(): number
}

export function observe(backend: Backend): ObservedBackend {
  const caches = new Set<Tensor>()
  let peak = 0
  const cacheBytes = (): number => {
    for (const tensor of caches) if (isClosed(tensor)) caches.delete(tensor)
    return [...caches].reduce((sum, { data }) => sum + data.byteLength, 0)
  }
  return {
    backend: {
      name: backend.name,
      tensor: (type, dims, data) => {
        const tensor = backend.tensor(type, dims, data)
        if (isCache(dims)) caches.add(tensor)
        peak = Math.max(peak, cacheBytes())
        return tensor
      },
      session: (model, options) => backend.session(model, options),
      close: () => backend.close(),
    },
    cacheBytes,
    peakCacheBytes: () => {
      const last = peak
      peak = cacheBytes()
      return last
    },
  }
}

/** Keys, values and scales have a leading 1; pictures, the other arrays of four dimensions, come a clip at a time. */
function isCache(dims: readonly number[]): boolean {
  return dims.length === 4 && dims[0] === 1
}

function isClosed(tensor: Tensor): boolean {
  return 'closed' in tensor && tensor.closed === true
}
