/** How far watching is: frames (`decode`, `encode`), tokens (`prefill`), or 0 and 1 (`open`). */
export type JobProgress = {
  readonly stage: 'open' | 'decode' | 'encode' | 'prefill'
  readonly done: number
  readonly total: number
}
