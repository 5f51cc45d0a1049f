import type { Check } from '../row.js'
import { commonJsChecks } from './commonjs.js'
import { questionChecks } from './questions.js'
import { tenLineChecks } from './ten-lines.js'
import { typeChecks } from './types.js'

/** Everything that is checked, in the order in which it is. */
export const CHECKS: readonly Check[] = [
  ...tenLineChecks,
  ...typeChecks,
  ...commonJsChecks,
  ...questionChecks,
]
