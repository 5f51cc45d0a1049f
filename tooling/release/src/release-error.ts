import { LongtakeError } from '@longtake/core'

/** The release stops here; the message says why, and what to do. */
export class ReleaseError extends LongtakeError {
  override readonly name = 'ReleaseError'
  readonly code = 'RELEASE'
}
