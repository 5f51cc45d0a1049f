import { InvalidOptionError } from '@longtake/core'

/** Organisation, name, and a branch, tag or commit. */
const MODEL_ID = /^([A-Za-z0-9][\w.-]{0,95})\/([A-Za-z0-9_][\w.-]{0,95})(?:@([A-Za-z0-9][\w./-]{0,199}))?$/

const MAX_REVISION_LENGTH = 200

/** A model of a hub. */
export interface HubModel {
  /** `org/name`. */
  readonly id: string
  readonly organisation: string
  readonly name: string
  /** Branch, tag or commit, where the id says one. */
  readonly revision: string | undefined
}

/** Reads `org/name` or `org/name@revision`; undefined where the text is no such id. */
export function parseModelId(text: string): HubModel | undefined {
  const [, organisation, name, revision] = MODEL_ID.exec(text) ?? []
  if (organisation === undefined || name === undefined || text.includes('..')) return undefined
  // It becomes the name of a file.
  if (revision !== undefined && encodeURIComponent(revision).length > MAX_REVISION_LENGTH) return undefined
  return { id: `${organisation}/${name}`, organisation, name, revision }
}

/**
 * A model of a hub, and its revision: that of the id, or of the option.
 *
 * @throws {InvalidOptionError} If the id or the revision cannot be one, or the two disagree.
 */
export function requireModel(text: unknown, revision?: unknown): HubModel {
  const model = typeof text === 'string' ? parseModelId(text) : undefined
  if (model === undefined) throw new InvalidOptionError('id', 'org/name or org/name@revision', text)
  if (revision === undefined) return model
  const asked = typeof revision === 'string' ? parseModelId(`${model.id}@${revision}`) : undefined
  if (asked === undefined) throw new InvalidOptionError('revision', 'a branch, tag or commit', revision)
  if (model.revision !== undefined && model.revision !== revision) {
    throw new InvalidOptionError('revision', `the same as in ${text}, or only one of the two`, revision)
  }
  return asked
}
