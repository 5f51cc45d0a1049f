import type { Check } from '../row.js'
import { browserChecks } from './browser.js'
import { bundleChecks } from './bundles.js'
import { commandChecks } from './command.js'
import { commonJsChecks } from './commonjs.js'
import { copyChecks } from './copies.js'
import { denoChecks } from './deno-no-folder.js'
import { elsewhereChecks } from './elsewhere.js'
import { installChecks } from './install-size.js'
import { missingBinaryChecks } from './missing-binaries.js'
import { homeChecks } from './no-home.js'
import { oldNodeChecks } from './old-node.js'
import { packageChecks } from './packages.js'
import { questionChecks } from './questions.js'
import { tenLineChecks } from './ten-lines.js'
import { typeChecks } from './types.js'
import { workerChecks } from './workers.js'

/** Everything that is checked, in the order in which it is. The installs come first, while npm's cache is empty. */
export const CHECKS: readonly Check[] = [
  ...installChecks,
  ...tenLineChecks,
  ...commandChecks,
  ...packageChecks,
  ...typeChecks,
  ...commonJsChecks,
  ...bundleChecks,
  ...workerChecks,
  ...browserChecks,
  ...questionChecks,
  ...elsewhereChecks,
  ...copyChecks,
  ...oldNodeChecks,
  ...missingBinaryChecks,
  ...homeChecks,
  ...denoChecks,
]
