import type { WeightType } from '@longtake/kernels'

/** Parameters up to which matrices stay exact: a GiB as fp32. */
const EXACT_PARAMETERS = 2 ** 28
/** Parameters up to which they take 8 bits: 4.5 GiB. Small models suffer more from 4 bits than large ones. */
const EIGHT_BIT_PARAMETERS = 2 ** 32

/**
 * How the matrices of a model are stored where nothing was said: by its size alone, so that a model gives the same
 * answers on every machine.
 */
export function defaultStorage(parameters: number): WeightType {
  if (parameters <= EXACT_PARAMETERS) return 'fp32'
  return parameters <= EIGHT_BIT_PARAMETERS ? 'int8' : 'int4'
}
