import { drawKvCache } from './kv-cache.js'
import { drawPoolingWindows } from './pooling-windows.js'
import { drawRearrangement } from './rearrangement.js'
import { drawRopeWavelengths } from './rope-wavelengths.js'
import { drawTextPositions } from './text-positions.js'

/** File names in `docs/images/methods` and what draws them. */
export const PICTURES: Readonly<Record<string, () => string>> = {
  'rearrangement.svg': drawRearrangement,
  'rope-wavelengths.svg': drawRopeWavelengths,
  'kv-cache.svg': drawKvCache,
  'pooling-windows.svg': drawPoolingWindows,
  'text-positions.svg': drawTextPositions,
}
