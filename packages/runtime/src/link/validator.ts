import type { Answer } from './exchange.js'

/** RFC 9110, 8.8.3: the tag of one content, byte for byte. */
const STRONG_TAG = /^"[\x21\x23-\x7e\x80-\xff]{1,512}"$/
/** RFC 9110, 8.8.2.2: a date tells contents apart once the file has rested for so long. */
const REST_MS = 60_000

/** What must stay the same over all answers about a file. */
export interface Validator {
  readonly etag: string | undefined
  readonly modified: string | undefined
}

export function validatorOf(answer: Answer): Validator {
  return { etag: answer.header('etag'), modified: answer.header('last-modified') }
}

export function isSameValidator(a: Validator, b: Validator): boolean {
  return a.etag === b.etag && a.modified === b.modified
}

/** A tag that servers compare by `If-Match` and the like. */
export function strongTag({ etag }: Validator): string | undefined {
  return etag !== undefined && STRONG_TAG.test(etag) ? etag : undefined
}

/** Whether a server forbids to keep its answer, to everybody or to those who serve many people (RFC 9111). */
export function forbidsKeeping(answer: Answer): boolean {
  const rules = (answer.header('cache-control') ?? '').toLowerCase().split(',')
  return rules.some((rule) => /^\s*(no-store|private)\s*(=|$)/.test(rule))
}

/** Whether an answer may be kept for later: that is not forbidden, and another content will be noticed. */
export function mayKeep(answer: Answer): boolean {
  if (forbidsKeeping(answer) || answer.header('vary')?.includes('*')) return false
  const validator = validatorOf(answer)
  return strongTag(validator) !== undefined || isRested(answer, validator)
}

function isRested(answer: Answer, { modified }: Validator): boolean {
  return Date.parse(answer.header('date') ?? '') - Date.parse(modified ?? '') >= REST_MS
}
