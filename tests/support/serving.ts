import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** What `longtake serve` does. */
const PROGRAM = `
  import { serve } from '@longtake/edge-api/node'
  const starting = serve(process.env)
  process.on('SIGTERM', () => void starting.then((server) => server.close()))
`

/** A server in a process of its own. */
export interface Serving {
  readonly child: ChildProcess
  readonly url: string
  /** The code that it ended with; null for a signal. */
  readonly ended: Promise<number | null>
  /** Lines of both streams. */
  readonly log: readonly string[]
  /** Ends it, and waits until it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

const running = new Set<Serving['child']>()

/**
 * Starts a server on a free port, for links to loopback, and waits until it listens.
 *
 * @param folder - Where the compiled packages are.
 * @param flags - Of the program Node.
 */
export async function startServing(
  folder: string,
  env: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<Serving> {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', PROGRAM], {
    cwd: folder,
    env: {
      ...process.env,
      LONGTAKE_PORT: '0',
      LONGTAKE_LINK_NETWORKS: '127.0.0.0/8',
      LONGTAKE_LINK_PORTS: 'any',
      // Tests ask again and again whether something has happened.
      LONGTAKE_REQUESTS_PER_MINUTE: '1000000',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const ended = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => {
      running.delete(child)
      resolve(code)
    })
  })
  const log: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line))
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line)
      const { msg, url } = JSON.parse(line) as { msg: string; url: string }
      if (msg === 'listening') resolve(url)
    })
    void ended.then(() => reject(new Error(`The server ended: ${log.join('\n')}`)))
  })
  const end: Serving['end'] = (signal) => {
    child.kill(signal)
    return ended
  }
  return { child, url, ended, log, end }
}

/** Kills what a test has left, such as because it failed. */
export async function endServing(): Promise<void> {
  const left = [...running]
  await Promise.all(
    left.map((child) => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      return ended
    }),
  )
}
