import { DiscordAPIError, HTTPError } from 'discord.js'

/** What a refusal of Discord's means for an answer. */
export type Refused =
  /** The message or its channel is gone, or may not be written any more. */
  | 'gone'
  /** The interaction's token has ended, or never was one. */
  | 'expired'
  /** Somebody acknowledged the interaction before. */
  | 'acknowledged'
  /** Discord does not take this content. */
  | 'malformed'
  /** May work later. */
  | 'later'
  /** Nothing that Discord or the network said. */
  | 'unexpected'

/** https://discord.com/developers/docs/topics/opcodes-and-status-codes#json-json-error-codes */
const CODES: ReadonlyMap<number | string, Refused> = new Map<number | string, Refused>([
  [10003, 'gone'],
  [10004, 'gone'],
  [10008, 'gone'],
  [10013, 'gone'],
  [10015, 'expired'],
  [10062, 'expired'],
  [30046, 'gone'],
  [40005, 'malformed'],
  [40060, 'acknowledged'],
  [50001, 'gone'],
  [50005, 'gone'],
  [50006, 'malformed'],
  [50007, 'gone'],
  [50008, 'gone'],
  [50013, 'gone'],
  [50027, 'expired'],
  [50035, 'malformed'],
  [50083, 'gone'],
  [160005, 'gone'],
])

export function refusedBy(error: unknown): Refused {
  if (error instanceof DiscordAPIError) {
    const known = CODES.get(error.code)
    if (known !== undefined) return known
    if (error.status === 404 || error.status === 403) return 'gone'
    if (error.status === 413) return 'malformed'
    return error.status === 429 || error.status >= 500 ? 'later' : 'malformed'
  }
  if (error instanceof HTTPError) return error.status === 413 ? 'malformed' : 'later'
  return isNetworkFailure(error) ? 'later' : 'unexpected'
}

/** Requests that ran out of time, and connections that could not be made or broke, have a code of the system's or undici's. */
function isNetworkFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    error.name === 'AbortError' || typeof Reflect.get(error, 'code') === 'string' || error.cause !== undefined
  )
}
