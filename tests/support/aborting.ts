/** A signal that fires after so many turns of the event loop, 0 = at once. */
export function abortAfterTurns(turns: number): AbortSignal {
  const controller = new AbortController()
  const step = (left: number): void => {
    if (left === 0) controller.abort(new Error(`after ${turns} turns`))
    else setImmediate(step, left - 1)
  }
  step(turns)
  return controller.signal
}

/** `fulfilled`, or the code of the error. */
export async function outcomeOf(work: PromiseLike<unknown>): Promise<string> {
  return Promise.resolve(work).then(
    () => 'fulfilled',
    (error: { code?: unknown }) => {
      if (typeof error.code !== 'string') throw error
      return error.code
    },
  )
}
