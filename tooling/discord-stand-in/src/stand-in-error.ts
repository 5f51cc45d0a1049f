import { LongtakeError } from '@longtake/core'

/** A test asked the stand-in for something that Discord would not let a person do, or that never happened. */
export class StandInError extends LongtakeError {
  override readonly name = 'StandInError'
  readonly code = 'DISCORD_STAND_IN'
}
