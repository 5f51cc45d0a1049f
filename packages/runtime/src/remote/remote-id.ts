import { InvalidOptionError } from '@longtake/core'
import { checkWebAddress } from '../hub/settings.js'

const PREFIX = 'openai:'
/** Longest name of a model; longer ones are something else. */
const MAX_NAME_CHARACTERS = 256

/** A model behind an API as OpenAI's. */
export interface RemoteId {
  /** What the API's paths follow, ending in a slash. */
  readonly base: URL
  readonly model: string
}

/** Whether an id of `load` names a model behind an API: whether it begins with `openai:`. */
export function isRemoteId(id: string | URL): boolean {
  return String(id).slice(0, PREFIX.length).toLowerCase() === PREFIX
}

/**
 * Reads `openai:https://host/v1#model`.
 *
 * @throws {InvalidOptionError} If it is not of that form. What may be a password in it is not repeated.
 */
export function parseRemoteId(id: string | URL): RemoteId {
  const text = String(id).slice(PREFIX.length)
  const hash = text.indexOf('#')
  const model = hash < 0 ? '' : text.slice(hash + 1)
  if (!/^[^\s\p{Cc}]+$/u.test(model) || model.length > MAX_NAME_CHARACTERS) {
    const form =
      'openai:, the address of the API, # and the name of a model, as in openai:https://host/v1#name'
    throw new InvalidOptionError('id', form, 'an address without such a name')
  }
  return { base: checkWebAddress('id', text.slice(0, hash)), model }
}
