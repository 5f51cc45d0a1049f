import type { Place } from './place.js'

/** One thing that somebody does with the published packages. */
export interface Check {
  /** What runs the code, such as `node 24`. */
  readonly runtime: string
  /** What installed it. */
  readonly manager: string
  readonly check: string
  /** Resolves where it works, with a note for the table if there is something to tell; rejects where not. */
  run(place: Place): Promise<string | undefined>
}

/** What became of a check. */
export interface Row {
  readonly runtime: string
  readonly manager: string
  readonly check: string
  readonly ok: boolean
  readonly seconds: number
  readonly note?: string
  readonly why?: string
}

/** Characters of a failure that are told; tools print pages. */
const MAX_WHY = 2000

export async function runCheck({ run, ...names }: Check, place: Place): Promise<Row> {
  const start = performance.now()
  const seconds = () => Math.round((performance.now() - start) / 100) / 10
  try {
    const note = await run(place)
    return { ...names, ok: true, seconds: seconds(), ...(note !== undefined && { note }) }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { ...names, ok: false, seconds: seconds(), why: why.trim().slice(-MAX_WHY) }
  }
}
