import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type FileServer, serveFiles } from '../../apps/edge-api/test/files.js'
import { installPlain, type PlainInstall } from './plain-node.js'

/** For what comes at once on an idle machine, and later on a busy one. */
export const PATIENCE = { timeout: 120_000, interval: 50 }
export const TEST_MILLISECONDS = 400_000

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

/** Where the servers of a test are started. */
export interface ServingPlace {
  /** A server of links for each test. */
  readonly files: FileServer
  /** An empty folder for each test. */
  readonly folder: string
  /**
   * Starts a server on a free port, for links to loopback, and waits until it listens. It ends with the test.
   *
   * @param flags - Of the program Node.
   */
  start(env: Readonly<Record<string, string>>, flags?: readonly string[]): Promise<Serving>
}

const running = new Set<Serving['child']>()

/** Compiles the server, for the tests of a file. */
export function useServing(): ServingPlace {
  let install: PlainInstall
  let files: FileServer
  let folder = ''
  beforeAll(async () => {
    install = await installPlain(['core', 'kernels', 'runtime', 'jobs', 'edge-api'])
  }, TEST_MILLISECONDS)
  afterAll(() => install?.remove())
  beforeEach(async () => {
    files = await serveFiles()
    folder = await mkdtemp(join(tmpdir(), 'longtake-serving-'))
  })
  afterEach(async () => {
    await endServing()
    await files[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  return {
    get files() {
      return files
    },
    get folder() {
      return folder
    },
    start: (env, flags) => startServing(install.folder, env, flags),
  }
}

async function startServing(
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
async function endServing(): Promise<void> {
  const left = [...running]
  await Promise.all(
    left.map((child) => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      return ended
    }),
  )
}
