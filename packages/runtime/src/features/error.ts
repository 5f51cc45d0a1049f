/**
 * Why features cannot be kept or read:
 * `folder` the cache's folder cannot be used; `full` no room on the disk or within the limit;
 * `unreadable` reading failed or the end came too early; `unwritable` writing failed for another reason;
 * `changed` the bytes are not those that were written; `closed` the reader or writer was closed before.
 */
export type FeatureCacheReason = 'folder' | 'full' | 'unreadable' | 'unwritable' | 'changed' | 'closed'

/**
 * Features could not be kept or read back. Internal to the runtime: the work can always be done again without them,
 * so the engine catches it and goes on.
 */
export class FeatureCacheError extends Error {
  override readonly name = 'FeatureCacheError'
  readonly reason: FeatureCacheReason

  constructor(reason: FeatureCacheReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** Code of a system error, such as `ENOENT`; empty for anything else. */
export function systemCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : ''
}

/** `EFBIG` is what a limit on the size of files gives, `EDQUOT` a quota of the user. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** Turns a failure to write into a typed error; leaves typed ones alone. */
export function writeFailure(what: string, cause: unknown): FeatureCacheError {
  if (cause instanceof FeatureCacheError) return cause
  const code = systemCode(cause)
  const reason = FULL.has(code) ? 'full' : 'unwritable'
  const why = reason === 'full' ? 'there is no room left' : code || String(cause)
  return new FeatureCacheError(reason, `${what} could not be written: ${why}.`, { cause })
}

/** Turns a failure to read into a typed error; leaves typed ones alone. */
export function readFailure(what: string, cause: unknown): FeatureCacheError {
  if (cause instanceof FeatureCacheError) return cause
  const why = systemCode(cause) || String(cause)
  return new FeatureCacheError('unreadable', `${what} could not be read: ${why}.`, { cause })
}
