import { CheckpointError } from '@longtake/core'
import type { ClipTextFacts } from './clip-config.js'
import type { CheckpointTokenizer } from './tokenizer.js'

/** A question as the guide's text tower takes it. */
export interface GuideText {
  /** One or more segments, each of at most as many tokens as there are positions, begin and end tokens included. */
  readonly ids: readonly (readonly number[])[]
  /** For each segment the index of its end token, whose state stands for the segment. */
  readonly ends: readonly number[]
  /** Tokens of the question itself, over all segments. */
  readonly tokens: number
}

/** What stands around every text of the guide. */
interface GuideFrame {
  readonly begin: readonly number[]
  readonly end: readonly number[]
}

/**
 * Encodes questions for the guide. Nothing is cut: a question of more tokens than the guide has positions becomes the
 * fewest segments that fit, of equal length within one token. What the question spells never becomes a begin or end
 * token, and a question that leaves no tokens is a segment of these alone.
 */
export class GuideEncoder {
  readonly #tokenizer: CheckpointTokenizer
  readonly #frame: GuideFrame
  readonly #endId: number | undefined
  readonly #room: number

  /**
   * @param positions - Most tokens of one segment.
   * @throws {CheckpointError} `CHECKPOINT_INVALID` if no begin or end token is known, ids exceed the vocabulary, or
   *   positions leave no room between begin and end.
   */
  constructor(tokenizer: CheckpointTokenizer, facts: ClipTextFacts, positions: number) {
    this.#tokenizer = tokenizer
    this.#frame = findFrame(tokenizer, facts)
    this.#endId = facts.readAt === 'end' ? facts.endId : undefined
    this.#room = positions - this.#frame.begin.length - this.#frame.end.length
    if (this.#room < 1) throw invalid(`the guide's ${positions} positions leave no room for a question`)
    const largest = Math.max(tokenizer.largestId, ...this.#frame.begin, ...this.#frame.end)
    const { vocabularySize } = facts.text
    if (largest >= vocabularySize) {
      throw invalid(`it has token ${largest}; clip/config.json has a vocabulary of ${vocabularySize}`)
    }
  }

  encode(question: string): GuideText {
    const { begin, end } = this.#frame
    const frame = new Set([...begin, ...end])
    // An unknown sign may stand for the end token in CLIP's vocabulary; inside a text it would end it.
    const content = this.#tokenizer.encodeUntrusted(question).filter((id) => !frame.has(id))
    const count = Math.max(Math.ceil(content.length / this.#room), 1)
    const cut = (index: number): number => Math.floor((index * content.length) / count)
    const ids = Array.from({ length: count }, (_, index) => [
      ...begin,
      ...content.slice(cut(index), cut(index + 1)),
      ...end,
    ])
    return { ids, ends: ids.map((segment) => this.#endOf(segment)), tokens: content.length }
  }

  /** The first place of the end token, or by CLIP's historic rule of the largest id. */
  #endOf(ids: readonly number[]): number {
    return ids.indexOf(this.#endId ?? ids.reduce((largest, id) => Math.max(largest, id), 0))
  }
}

/** The tokenizer's own frame where it has one, else the tokens that the configs name. */
function findFrame(tokenizer: CheckpointTokenizer, { beginId, endId, readAt }: ClipTextFacts): GuideFrame {
  const { prefix, suffix } = tokenizer.frame
  const begin = prefix.length > 0 ? prefix : [beginId ?? tokenizer.idOf(tokenizer.bosToken)]
  const end = suffix.length > 0 ? suffix : [endId ?? tokenizer.idOf(tokenizer.eosToken)]
  const known = [...begin, ...end].filter((id) => id !== undefined)
  if (known.length < begin.length + end.length || (readAt === 'end' && end.every((id) => id !== endId))) {
    throw invalid(
      'neither it nor clip/config.json (text_config: bos_token_id, eos_token_id) says what begins and ends a text, or they disagree',
    )
  }
  return { begin: known.slice(0, begin.length), end: known.slice(begin.length) }
}

function invalid(reason: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `clip/tokenizer.json: ${reason}.`)
}
