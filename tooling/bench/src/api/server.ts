import { createHash, randomBytes } from 'node:crypto'
import { isRecord } from '../json.js'
import type { Scratch } from '../scratch.js'
import { type Program, startProgram } from './program.js'

export { temporaryFolderOf } from './program.js'

/** A `longtake serve` in a process of its own. */
export interface ApiServer extends Program {
  readonly url: string
}

/** A key of a caller, and what the server is told of it. */
export interface ApiKey {
  readonly secret: string
  readonly entry: string
}

export function makeKey(name: string): ApiKey {
  const secret = `lt-${randomBytes(32).toString('base64url')}`
  return { secret, entry: `${name}:${createHash('sha256').update(secret).digest('hex')}` }
}

/**
 * Starts a server on loopback whose links may lead there too. It ends with the scratch folder, in which its temporary
 * files lie.
 *
 * @param env - `LONGTAKE_…`, over those of loopback without limits of rates.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if it does not start.
 */
export async function startServer(
  scratch: Scratch,
  env: Readonly<Record<string, string>>,
): Promise<ApiServer> {
  const { told: url, ...program } = await startProgram(scratch, 'serve', listeningAt, {
    LONGTAKE_HOST: '127.0.0.1',
    LONGTAKE_PORT: '0',
    LONGTAKE_LINK_NETWORKS: '127.0.0.0/8',
    LONGTAKE_LINK_PORTS: 'any',
    LONGTAKE_REQUESTS_PER_MINUTE: '1000000',
    LONGTAKE_QUESTIONS_PER_DAY: '10000000',
    ...env,
  })
  return { ...program, url }
}

function listeningAt(line: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    return isRecord(entry) && entry.msg === 'listening' ? String(entry.url) : undefined
  } catch {
    return undefined
  }
}
