import { Console } from 'node:console'
import { Worker } from 'node:worker_threads'
import { MOST_ENGINE_CALLS } from './limits.js'
import { type Handlers, Peer } from './peer.js'
import type { MessageLimits } from './wire.js'

/** How often a child says that it is alive, milliseconds. */
const BEAT_MILLISECONDS = 200

/**
 * Ends the process where its parent is gone and the event loop, busy for ever, never finds out: by a thread of its own.
 */
const ORPHAN_WATCH = `
  const parent = require('node:worker_threads').workerData
  const isGone = () => {
    if (process.ppid !== parent) return true
    try { process.kill(parent, 0) } catch (error) { return error.code === 'ESRCH' }
    return false
  }
  setInterval(() => { if (isGone()) process.kill(process.pid, 'SIGKILL') }, 1000)
`

/** What a child says with every sign of life. */
interface Beat {
  /** Memory that the process takes, bytes. */
  readonly memoryBytes: number
}

/**
 * Makes this process serve its parent through stdin and stdout, and end with it.
 *
 * The parent's number is the program's only argument.
 *
 * @param makeHandlers - Given the way back to the parent.
 */
export function serveParent(limits: MessageLimits, makeHandlers: (parent: Peer) => Handlers): void {
  keepStdoutClean()
  // A terminal and a service manager signal all processes of a group; the parent decides what that means.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  const handlers: Record<string, Handlers[string]> = {}
  const parent = new Peer({
    input: process.stdin,
    output: process.stdout,
    limits,
    mostCalls: MOST_ENGINE_CALLS,
    handlers,
    onEnd: () => process.exit(0),
  })
  Object.assign(handlers, makeHandlers(parent))
  const beat = (): void => parent.beat({ memoryBytes: process.memoryUsage.rss() } satisfies Beat)
  // The first one at once: a process that takes too much from the start is not given any work.
  beat()
  setInterval(beat, BEAT_MILLISECONDS)
  // It may be gone before this process has started.
  new Worker(ORPHAN_WATCH, { eval: true, workerData: Number(process.argv[2]) }).unref()
}

/** What is written for people must not come between the messages. */
function keepStdoutClean(): void {
  globalThis.console = new Console(process.stderr, process.stderr)
}
