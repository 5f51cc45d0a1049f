import type { AnswerTrace } from '@longtake/runtime'

/** All windows that begin at the same frame. */
export interface TraceStep {
  /** Places in the context's order of frames, the end excluded. */
  readonly frames: readonly [first: number, endExclusive: number]
  /** What the answer read of each window's token, rows first, then columns. */
  readonly tokens: readonly number[]
  /** Sum over the tokens. */
  readonly attention: number
}

/** A trace's windows by their steps along time, in the order of the context. */
export function stepsOf({ windows }: AnswerTrace): TraceStep[] {
  const steps = new Map<number, { frames: TraceStep['frames']; tokens: number[] }>()
  for (const { frames, attention } of windows) {
    const step = steps.get(frames[0]) ?? { frames, tokens: [] }
    step.tokens.push(attention)
    steps.set(frames[0], step)
  }
  return Array.from(steps.values(), ({ frames, tokens }) => ({
    frames,
    tokens,
    attention: tokens.reduce((sum, value) => sum + value, 0),
  }))
}
