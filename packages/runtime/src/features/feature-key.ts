import { createHash } from 'node:crypto'
import { canonicalJson } from './json.js'
import type { JsonValue } from './types.js'

/**
 * Names features by all that decides them: content, checkpoint, plan, versions. The order of names in objects does not
 * count, everything else does.
 *
 * @returns 64 hexadecimal digits: SHA-256 over the JSON with its names in order.
 * @throws {InvalidOptionError} If `parts` is not JSON.
 */
export function featureKey(parts: JsonValue): string {
  return createHash('sha256').update(canonicalJson(parts, 'parts')).digest('hex')
}
