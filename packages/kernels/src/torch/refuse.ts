import { CheckpointError } from '@longtake/core'

const ADVICE = 'Convert the checkpoint to safetensors, or use one that is published so.'

/** A file that breaks the rules of its format. */
export function malformed(file: string, what: string, cause?: unknown): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `${file}: ${what}. Download the file again.`, { cause })
}

/** A file that may be in order, but needs what is not done here. */
export function refused(file: string, what: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_UNSUPPORTED', `${file}: ${what}. ${ADVICE}`)
}

/** Text of a stranger, short enough for a message. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
