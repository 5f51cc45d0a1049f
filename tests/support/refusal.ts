import { expect } from 'vitest'
import { isLongtakeError } from '../../packages/core/src/index.js'

/** Expects a promise to fail with one of Longtake's own errors of this code; gives the error. */
export async function expectRefusal(work: PromiseLike<unknown>, code: string | RegExp): Promise<Error> {
  const failure = await Promise.resolve(work).then(
    () => 'no failure',
    (error: unknown) => error,
  )
  if (!isLongtakeError(failure)) throw failure instanceof Error ? failure : new Error(String(failure))
  expect(failure.code).toEqual(typeof code === 'string' ? code : expect.stringMatching(code))
  // What was wrong, with what, what to do: more than a word.
  expect(failure.message.length).toBeGreaterThan(20)
  return failure
}
