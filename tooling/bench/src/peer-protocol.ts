import type { KvCacheType } from '@longtake/core'
import type { ShapeName } from './peer-model.js'

/** What every peer can be asked; contexts are held from request to request. */
export type PeerRequest =
  | PeerOpening
  /** Forgets what is held beyond `held`, then takes in `tokens` more; answers in milliseconds. */
  | { readonly work: 'prefill'; readonly held: number; readonly tokens: number }
  /**
   * Forgets what is held beyond `held` but one token, then generates `tokens` greedily; answers with
   * {@link Generated}.
   */
  | { readonly work: 'decode'; readonly held: number; readonly tokens: number }

  /** Takes in the token after `held` ones and answers with {@link Scored}. */
  | { readonly work: 'score'; readonly held: number; readonly tokens: number }

export interface PeerOpening {
  readonly work: 'open'
  readonly shape: ShapeName
  readonly threads: number
  readonly kv: KvCacheType
  /** Most tokens of one run of prefill. */
  readonly chunk: number
  /** Folder that the peer is installed in, and that holds its model. */
  readonly folder: string
}

export interface Generated {
  /** Of each token. */
  readonly milliseconds: readonly number[]
  readonly tokens: readonly number[]
}

/** Natural logarithms of the next token's probability, of the first tokens of the prompt in their order. */
export type Scored = readonly number[]

/** Token at a place of the prompt: the same for every peer, spread over the vocabulary. */
function promptToken(place: number, vocabularySize: number): number {
  return (Math.imul(place + 1, 2_654_435_761) >>> 0) % (vocabularySize - 1)
}

export function promptTokens(start: number, count: number, vocabularySize: number): number[] {
  return Array.from({ length: count }, (_, index) => promptToken(start + index, vocabularySize))
}
