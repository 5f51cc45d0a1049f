/** What the page asks of the worker. One piece of work at a time; `stop` ends it. */
export type Asked =
  | { readonly kind: 'load'; readonly checkpoint: string }
  | { readonly kind: 'watch'; readonly video: Blob }
  | { readonly kind: 'ask'; readonly question: string }
  | { readonly kind: 'stop' }

/** How far something has come. */
export interface Step {
  readonly stage: 'load' | 'open' | 'decode' | 'encode' | 'prefill'
  readonly done: number
  readonly total: number
}

/** A frame that an answer rests on. */
export interface ShownFrame {
  readonly seconds: number
  /** Share of what the answer rests on. */
  readonly weight: number
  /** PNG file. */
  readonly picture: Uint8Array<ArrayBuffer>
}

/** A video that was watched. */
export interface WatchedFacts {
  readonly durationSeconds: number
  readonly width: number
  readonly height: number
  readonly frames: number
}

/** An answer with what it rests on. */
export interface Evidence {
  readonly text: string
  /** Share of every frame, in time order. */
  readonly weights: readonly number[]
  readonly frames: readonly ShownFrame[]
  /** PNG file. */
  readonly storyboard: Uint8Array<ArrayBuffer>
  readonly notes: readonly string[]
  readonly seconds: number
}

/** What the worker says. */
export type Told =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'loaded' }
  | { readonly kind: 'watched'; readonly facts: WatchedFacts; readonly wasmBytes: number }
  | { readonly kind: 'answered'; readonly evidence: Evidence }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
