import * as core from '@longtake/core'
import * as kernels from '@longtake/kernels'

/** Something of every part of the packages that run anywhere; the same text wherever it runs. */
export function pure(): string {
  const weight = Float32Array.from({ length: 64 }, (_, index) => Math.fround(Math.sin(index)))
  const { packed, scales } = kernels.quantizeBlockwise(weight, 2, 32)
  const graph = kernels.buildRelevance(8)
  return JSON.stringify({
    core: Object.keys(core).length,
    kernels: Object.keys(kernels).length,
    times: core.frameTimestamps(0, 60, 4).map(core.formatTimestamp),
    rope: core.ropeFrequencies(10_000, 8, { type: 'none' }, 4096),
    quantized: [...packed, ...scales],
    graph: graph.encode(() => ({ file: 'weights', offset: 0 })).length,
  })
}
