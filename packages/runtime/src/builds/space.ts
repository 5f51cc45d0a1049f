import { CheckpointError } from '@longtake/core'
import { freeBytes } from '../free-bytes.js'

/**
 * @throws {CheckpointError} CHECKPOINT_BUILD if a folder's disk has less room than is needed. Where the system does
 *   not say, writing shows it.
 */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const free = await freeBytes(folder)
  if (free === undefined || free >= bytes) return
  throw new CheckpointError(
    'CHECKPOINT_BUILD',
    `Preparing the weights takes ${inGigabytes(bytes)} more in ${folder}, and ${inGigabytes(free)} are free. Make room, or set LONGTAKE_HOME to another disk.`,
  )
}

function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}
