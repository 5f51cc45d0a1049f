import type { WatchProgress } from '@longtake/runtime'
import type { ServerContext } from '@modelcontextprotocol/server'

/** Milliseconds between two notifications. */
const PAUSE_MS = 250

/** Tells a client that asked for it how far watching is, each time more. */
export function progressOf({ mcpReq }: ServerContext): (progress: WatchProgress) => void {
  const progressToken = mcpReq._meta?.progressToken
  if (progressToken === undefined) return () => {}
  let steps = 0
  let toldAt = Number.NEGATIVE_INFINITY
  return ({ stage, done, total }) => {
    steps += 1
    const now = performance.now()
    if (now - toldAt < PAUSE_MS) return
    toldAt = now
    const params = { progressToken, progress: steps, message: `${stage} ${done} of ${total}` }
    // A client that left is told nothing; its request ends by its own signal.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {})
  }
}
