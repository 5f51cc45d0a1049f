import type { Check } from '../row.js'
import { tenLineChecks } from './ten-lines.js'

/** Everything that is checked, in the order in which it is. */
export const CHECKS: readonly Check[] = [...tenLineChecks]
