import type { Failure } from './texts.js'

/** Which words a code of Longtake's gets. What is missing here is a mistake of ours. */
const FAILURES: Readonly<Record<string, Failure>> = {
  LINK_REFUSED: 'refusedLink',
  LINK_NOT_FOUND: 'notFound',
  LINK_UNREACHABLE: 'unreachable',
  LINK_TOO_LARGE: 'tooLarge',
  LINK_TOO_SLOW: 'slow',
  LINK_CHANGED: 'changed',
  LINK_BROKEN: 'unreachable',
  LINK_NOT_MEDIA: 'notMedia',
  VIDEO_NOT_FOUND: 'expired',
  VIDEO_UNREADABLE: 'damaged',
  VIDEO_NOT_A_VIDEO: 'notVideo',
  VIDEO_NO_VIDEO_TRACK: 'notVideo',
  VIDEO_UNSUPPORTED_CODEC: 'codec',
  VIDEO_TRUNCATED: 'damaged',
  VIDEO_EMPTY: 'notVideo',
  VIDEO_TOO_LARGE: 'tooLarge',
  CONTEXT_TOO_LONG: 'tooLong',
  INVALID_OPTION: 'options',
  ENGINE_FAILED: 'engine',
  ENGINE_CRASHED: 'engine',
  ENGINE_UNAVAILABLE: 'engine',
  ENGINE_CLOSED: 'engine',
  ENGINE_TIMEOUT: 'time',
  JOB_EXPIRED: 'time',
  JOB_INTERRUPTED: 'interrupted',
}

/**
 * @param code - Of the error that ended a question.
 * @param isAttachment - Whether the video was posted in Discord, whose links end by themselves.
 */
export function failureOf(code: string, isAttachment: boolean): Failure {
  const failure = Object.hasOwn(FAILURES, code) ? FAILURES[code] : undefined
  if (failure === undefined) return 'broken'
  return failure === 'notFound' && isAttachment ? 'expired' : failure
}
