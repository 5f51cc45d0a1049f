import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Compiled, also for those who read this from its source. */
const SERVER = fileURLToPath(new URL('../dist/server-process.js', import.meta.url))
/** Where packages of others are kept for the next registry. */
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/longtake-registry', import.meta.url))

/** An npm registry on loopback, which serves `@longtake/*` from its own storage and all else from npm's. */
export interface Registry extends AsyncDisposable {
  /** Such as `http://127.0.0.1:41873/`. */
  readonly url: string
  /** A folder that is removed with the registry. */
  readonly folder: string
  /** Path of an npmrc that leads npm, pnpm, Bun and Deno here and lets them publish. */
  readonly npmrc: string
  /** Variables that lead npm, pnpm, Yarn, Bun and Deno here. */
  readonly environment: Readonly<Record<string, string>>
  /** Stops the registry and removes what was published to it. */
  close(): Promise<void>
}

export interface RegistryOptions {
  /** Folder for packages of others; one below `node_modules` unless given. */
  readonly cache?: string
  /** Registry for packages of others; the one that npm is set to unless given. */
  readonly uplink?: string
}

/** Starts a registry that holds nothing of ours yet. It ends with this process, whatever ends that. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const uplink = options.uplink ?? (await configuredRegistry())
  const server = fork(SERVER, [uplink, resolve(options.cache ?? CACHE)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
  })
  const log: Buffer[] = []
  for (const output of [server.stdout, server.stderr]) output?.on('data', (bytes: Buffer) => log.push(bytes))
  const ended = once(server, 'exit')
  const started = await Promise.race([once(server, 'message'), ended.then(() => undefined)])
  if (started === undefined) throw new Error(`The registry did not start: ${Buffer.concat(log)}`)
  const { url, folder } = started[0] as { url: string; folder: string }
  const npmrc = join(folder, 'npmrc')
  await writeFile(npmrc, npmrcText(url))
  const close = async (): Promise<void> => {
    if (server.connected) server.disconnect()
    await ended
  }
  return { url, folder, npmrc, environment: environmentOf(url, npmrc), close, [Symbol.asyncDispose]: close }
}

/** npm publishes with a token only; this registry takes any. */
function npmrcText(url: string): string {
  return `registry=${url}\n${url.replace('http:', '')}:_authToken=anybody\nfund=false\naudit=false\nupdate-notifier=false\n`
}

function environmentOf(url: string, npmrc: string): Record<string, string> {
  return {
    NPM_CONFIG_USERCONFIG: npmrc,
    NPM_CONFIG_REGISTRY: url,
    BUN_CONFIG_REGISTRY: url,
    YARN_NPM_REGISTRY_SERVER: url,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    // What was published just now is no news to fear here.
    YARN_NPM_MINIMAL_AGE_GATE: '0',
    NO_PROXY: '127.0.0.1',
  }
}

async function configuredRegistry(): Promise<string> {
  const { stdout } = await run('npm', ['config', 'get', 'registry'])
  return stdout.trim()
}
