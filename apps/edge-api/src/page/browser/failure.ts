/** Something that went wrong, as the server says it. */
export class Failure extends Error {
  readonly status: number
  readonly code: string
  readonly retryAfterSeconds: number | undefined

  constructor(status: number, code: string, message: string, retryAfterSeconds?: number) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** What a person sees of a failure. */
export interface Problem {
  readonly title: string
  readonly text: string
  /** What to do. */
  readonly advice: string
  /** What has to be changed, where it is one thing. */
  readonly about: 'video' | 'key' | 'question' | undefined
}

const OTHER_LINK = 'Check the link, try another, or save the video and choose the file.'
const OTHER_FILE = 'Try another one. MP4, WebM and MKV with H.264, HEVC, VP9 or AV1 work.'
const LATER = 'Wait a little, then ask again.'

type Rule = readonly [title: string, advice: string, about?: Problem['about']]

const RULES: Readonly<Record<string, Rule>> = {
  link_refused: ['This link is not opened', 'Use a public http or https link, or choose a file.', 'video'],
  link_not_found: ['Nothing is at this link', OTHER_LINK, 'video'],
  link_not_media: ['There is no video at this link', OTHER_LINK, 'video'],
  link_broken: ['The link breaks off', OTHER_LINK, 'video'],
  link_too_large: ['The video is too large', 'Cut it shorter, or use a smaller version.', 'video'],
  link_unreachable: ['The link does not answer', OTHER_LINK, 'video'],
  link_too_slow: ['The link is too slow', 'Try again later, or choose the file itself.', 'video'],
  link_changed: ['The file behind the link changed', 'Ask again: it is watched anew.'],
  video_too_large: ['The video is too large', 'Cut it shorter, or use a smaller version.', 'video'],
  upload_too_large: ['The file is too large', 'Give a link instead, or use a smaller version.', 'video'],
  body_too_large: ['The file is too large', 'Give a link instead, or use a smaller version.', 'video'],
  video_not_found: ['The video is not kept any more', 'Ask again: it is watched anew.'],
  invalid_api_key: [
    'This needs an API key',
    'Enter the key that the operator of this server gave you.',
    'key',
  ],
  insufficient_quota: [
    'The questions of this key are used up',
    'Come back later, or ask the operator for more.',
  ],
  rate_limit_exceeded: ['Too many requests', LATER],
  video_quota: ['Too many videos at once', 'Wait until older ones are forgotten, then ask again.'],
  queue_full: ['The server is busy', LATER],
  job_expired: ['It took too long', 'Ask again, or about a shorter video.'],
  context_length_exceeded: ['The question is too long', 'Ask in fewer words.', 'question'],
  offline: ['The server cannot be reached', 'Check your connection, then ask again.'],
}

/** A failure in plain words. */
export function problemOf(error: unknown): Problem {
  const failure = error instanceof Failure ? error : new Failure(0, 'page', 'The page itself made a mistake.')
  const { code, message: text, status } = failure
  const rule = Object.hasOwn(RULES, code) ? RULES[code] : undefined
  if (rule !== undefined) return { title: rule[0], text, advice: rule[1], about: rule[2] }
  if (code.startsWith('video_')) {
    return { title: 'This video cannot be watched', text, advice: OTHER_FILE, about: 'video' }
  }
  const seconds = failure.retryAfterSeconds
  if (seconds !== undefined) {
    return { title: 'Not now', text, advice: `Ask again in ${seconds} seconds.`, about: undefined }
  }
  if (status === 400)
    return { title: 'This cannot be asked', text, advice: 'Change it, then ask again.', about: undefined }
  return { title: 'That did not work', text, advice: LATER, about: undefined }
}
