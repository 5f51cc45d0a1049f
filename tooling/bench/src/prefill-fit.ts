/** One run of the decoder that took several tokens in. */
export interface PrefillRun {
  /** Tokens in the cache before it. */
  readonly held: number
  readonly tokens: number
  readonly seconds: number
}

/** Seconds that a token takes: the same for all of them, and for each position that it attends to. */
export interface PrefillCost {
  readonly secondsPerToken: number
  readonly secondsPerSeen: number
  /** Largest deviation of a run from this, as a share of the run. */
  readonly deviation: number
}

/**
 * Fits `tokens · a + seen · b`, with neither below 0, to runs by least squares of the relative error; `seen` are the
 * positions that the tokens attend to, themselves included: `tokens · held + tokens · (tokens + 1) / 2`.
 *
 * @param runs - One at least.
 */
export function fitPrefill(runs: readonly PrefillRun[]): PrefillCost {
  const rows = runs.map((run) => ({ x: run.tokens / run.seconds, y: seenOf(run) / run.seconds }))
  const sums = { xx: 0, xy: 0, yy: 0, x: 0, y: 0 }
  for (const { x, y } of rows) {
    sums.xx += x * x
    sums.xy += x * y
    sums.yy += y * y
    sums.x += x
    sums.y += y
  }
  const determinant = sums.xx * sums.yy - sums.xy ** 2
  const both = {
    a: (sums.x * sums.yy - sums.y * sums.xy) / determinant,
    b: (sums.y * sums.xx - sums.x * sums.xy) / determinant,
  }
  // Runs at one place do not tell the two apart.
  const apart = determinant > 1e-9 * sums.xx * sums.yy && both.a >= 0 && both.b >= 0
  const onlyTokens = both.b < 0 || determinant <= 1e-9 * sums.xx * sums.yy
  const { a, b } = apart ? both : onlyTokens ? { a: sums.x / sums.xx, b: 0 } : { a: 0, b: sums.y / sums.yy }
  const deviation = Math.max(...rows.map(({ x, y }) => Math.abs(a * x + b * y - 1)))
  return { secondsPerToken: a, secondsPerSeen: b, deviation }
}

/** Seconds of a run by the fit. */
export function predictSeconds(cost: PrefillCost, run: Omit<PrefillRun, 'seconds'>): number {
  return cost.secondsPerToken * run.tokens + cost.secondsPerSeen * seenOf(run)
}

function seenOf({ held, tokens }: Omit<PrefillRun, 'seconds'>): number {
  return tokens * held + (tokens * (tokens + 1)) / 2
}
