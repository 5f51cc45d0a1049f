/** What one benchmark found. */
export interface Outcome {
  /** Printed with `--json`, together with the facts of the run. */
  readonly result: Readonly<Record<string, unknown>>
  /** Printed without `--json`. */
  readonly text: string
  /** Whether a documented bound was missed, which makes the exit code 1. */
  readonly failed?: boolean
}

/** One benchmark of the command. */
export interface Benchmark {
  readonly name: string
  /** One line on what it measures. */
  readonly summary: string
  /** Its options, one a line. */
  readonly options: readonly string[]
  /**
   * @param args - What followed the name, without `--json`.
   * @param note - Tells a person how far it is; never stdout.
   */
  run(args: readonly string[], note: (text: string) => void): Promise<Outcome>
}
