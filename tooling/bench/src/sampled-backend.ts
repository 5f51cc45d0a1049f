import type { Backend, RunOptions, Session, Tensor } from '@longtake/runtime/ort'
import type { PrefillRun } from './prefill-fit.js'

type Tensors = Readonly<Record<string, Tensor>>

/** What a session is for. */
type SessionRole = 'vision' | 'projector' | 'prefill' | 'answer' | 'other'

/** What ran, in order. */
export interface RunLog {
  /** Seconds of all runs by what they were for, and how many there were. */
  readonly seconds: Record<SessionRole, number>
  readonly runs: Record<SessionRole, number>
  /** Prefill into the compressed cache that was computed. */
  readonly measured: PrefillRun[]
  /** Prefill into it that was left out; seconds are what leaving out took. */
  readonly skipped: PrefillRun[]
  /** Single tokens that were decoded. */
  readonly steps: PrefillRun[]
}

/** Whether a run of the prefill into the compressed cache is computed. */
export type IsSampled = (run: { readonly held: number; readonly tokens: number }) => boolean

/**
 * A back end that keeps a log, and that leaves out runs of the prefill: keys and values of the last run that was computed
 * are put where those of the one left out belong, so that the cache is filled, and all memory used, as if it had run.
 *
 * What the decoder then reads is not what it would have computed: only time and memory can be taken from it.
 */
export class SampledBackend implements Backend {
  readonly name: Backend['name']
  readonly log: RunLog = {
    seconds: { vision: 0, projector: 0, prefill: 0, answer: 0, other: 0 },
    runs: { vision: 0, projector: 0, prefill: 0, answer: 0, other: 0 },
    measured: [],
    skipped: [],
    steps: [],
  }
  readonly #inner: Backend
  readonly #isSampled: IsSampled

  /** @param inner - Belongs to this one from now on. */
  constructor(inner: Backend, isSampled: IsSampled) {
    this.name = inner.name
    this.#inner = inner
    this.#isSampled = isSampled
  }

  tensor: Backend['tensor'] = (type, dims, data) => this.#inner.tensor(type, dims, data)

  async session(...given: Parameters<Backend['session']>): Promise<Session> {
    return new SampledSession(await this.#inner.session(...given), this.log, this.#isSampled)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}

class SampledSession implements Session {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly #inner: Session
  readonly #log: RunLog
  readonly #isSampled: IsSampled
  readonly #role: SessionRole
  /** Prefill that was computed last, whose keys and values stand in for those left out. */
  #last: { readonly held: number; readonly tokens: number } | undefined

  constructor(inner: Session, log: RunLog, isSampled: IsSampled) {
    this.inputs = inner.inputs
    this.outputs = inner.outputs
    this.#inner = inner
    this.#log = log
    this.#isSampled = isSampled
    this.#role = roleOf(inner)
  }

  async run(
    feeds: Tensors,
    results: Tensors = {},
    options: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    const place = placeOf(feeds)
    const compressed = this.inputs.includes('k_scale.0')
    const isPrefill = this.#role === 'prefill' && compressed && place !== undefined && place.tokens > 1
    const start = performance.now()
    const left = isPrefill && this.#last !== undefined && !this.#isSampled(place)
    if (left) repeatTokens(results, this.#last ?? place, place)
    const made = left ? { ...results } : await this.#inner.run(feeds, results, options)
    const seconds = (performance.now() - start) / 1000
    this.#note(seconds, place, isPrefill, left)
    return made
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  #note(seconds: number, place: ReturnType<typeof placeOf>, isPrefill: boolean, left: boolean): void {
    this.#log.seconds[this.#role] += seconds
    this.#log.runs[this.#role]++
    if (place === undefined) return
    const run = { ...place, seconds }
    if (left) this.#log.skipped.push(run)
    else if (isPrefill) {
      this.#log.measured.push(run)
      this.#last = place
    } else if (place.tokens === 1 && this.#role === 'answer') this.#log.steps.push(run)
  }
}

function roleOf({ inputs, outputs }: Session): SessionRole {
  if (outputs.includes('attention.0')) return 'answer'
  if (inputs.includes('past_key_values.0.key')) return 'prefill'
  if (inputs.includes('pixel_values')) return 'vision'
  return outputs.includes('visual_tokens') ? 'projector' : 'other'
}

/** Tokens of a decoder's run, and those before it. */
function placeOf(feeds: Tensors): { readonly held: number; readonly tokens: number } | undefined {
  const tokens = feeds.inputs_embeds?.dims[1]
  const total = feeds.total_sequence_length?.data[0]
  if (tokens === undefined || total === undefined) return undefined
  return { held: Number(total) - tokens, tokens }
}

/** Copies tokens of every cache `[1, heads, capacity, size]` to another place of it, again and again until it is full. */
function repeatTokens(
  caches: Tensors,
  from: { readonly held: number; readonly tokens: number },
  to: { readonly held: number; readonly tokens: number },
): void {
  for (const [name, { dims, data }] of Object.entries(caches)) {
    if (!name.startsWith('present.')) continue
    const [, heads = 0, capacity = 0, size = 0] = dims
    for (let head = 0; head < heads; head++) {
      const first = head * capacity
      for (let done = 0; done < to.tokens; done += from.tokens) {
        const count = Math.min(from.tokens, to.tokens - done)
        const target = (first + to.held + done) * size
        data.copyWithin(target, (first + from.held) * size, (first + from.held + count) * size)
      }
    }
  }
}
