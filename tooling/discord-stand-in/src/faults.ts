/** What goes wrong with a request. */
export type Trouble =
  | { readonly kind: 'status'; readonly status: number }
  | {
      readonly kind: 'rate-limit'
      readonly retryAfterMs: number
      readonly scope?: 'user' | 'shared' | 'global'
    }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'drop' }

/** Which requests go wrong, how, and how often. */
export interface FaultOptions {
  /** Method and path behind `/api/v10`, such as `/^POST \/channels/`; default every request. */
  readonly on?: RegExp
  readonly trouble: Trouble
  /**
   * Whether the request takes effect and only its answer is lost or late. Default no; a rate limit never takes effect.
   */
  readonly afterEffect?: boolean
  /** How many requests at most; default 1. */
  readonly times?: number
  /** Share of the matching requests from 0 to 1; default 1. */
  readonly chance?: number
}

interface Fault extends FaultOptions {
  left: number
}

/** Faults that tests order, and how many were dealt. */
export class Faults {
  #faults: Fault[] = []
  readonly #random: () => number
  readonly dealt: Record<Trouble['kind'], number> = { status: 0, 'rate-limit': 0, slow: 0, drop: 0 }

  /** @param seed - Fixes which requests meet faults of a chance below 1. */
  constructor(seed: number) {
    this.#random = randomFrom(seed)
  }

  add(options: FaultOptions): void {
    this.#faults.push({ ...options, left: options.times ?? 1 })
  }

  clear(): void {
    this.#faults = []
  }

  /** The fault that a request meets, if any; it counts as dealt. */
  take(request: string): FaultOptions | undefined {
    const fault = this.#faults.find(
      ({ on, left, chance }) =>
        left > 0 && (on === undefined || on.test(request)) && this.#random() < (chance ?? 1),
    )
    if (fault === undefined) return undefined
    fault.left -= 1
    this.dealt[fault.trouble.kind] += 1
    return fault
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32, public domain). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
