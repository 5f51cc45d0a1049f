import { afterEach } from 'vitest'

const pending: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of pending.splice(0).reverse()) await end()
})

/** Ends something after the test; what was opened last ends first. */
export function afterTest(end: () => Promise<void>): void {
  pending.push(end)
}
