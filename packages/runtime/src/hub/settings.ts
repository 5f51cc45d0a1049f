import { InvalidOptionError } from '@longtake/core'
import { checkPath, homeFolder } from '../home-folder.js'

const DEFAULT_ENDPOINT = 'https://huggingface.co'

/** Where the hub is, what it may be told, and where models are kept. */
export interface HubOptions {
  /** Folder of pulled models; default `modelsFolder(process.env)`. */
  readonly folder?: string | undefined
  /** Address of the hub; default `HF_ENDPOINT`, else huggingface.co. */
  readonly endpoint?: string | undefined
  /** Access token; default `HF_TOKEN`. Sent to the endpoint's own host only. */
  readonly token?: string | undefined
}

/** Options that have been checked. */
export interface HubSettings {
  readonly folder: string
  readonly endpoint: URL
  readonly token: string | undefined
}

/**
 * The folder of pulled models: `LONGTAKE_HOME/models`, else `HF_HOME/longtake/models`, else `models` in the system's
 * folder for caches. Its layout is Longtake's own, not that of other programs' caches.
 */
export function modelsFolder(environment: Readonly<Record<string, string | undefined>>): string {
  return homeFolder('models', environment)
}

/** @throws {InvalidOptionError} If the address or the token cannot be used; a token is never repeated. */
export function hubSettings(options: HubOptions): HubSettings {
  const { env } = process
  return {
    folder: modelsPlace(options.folder),
    endpoint: checkWebAddress('endpoint', options.endpoint ?? (env.HF_ENDPOINT || DEFAULT_ENDPOINT)),
    token: checkSecret('token', options.token ?? env.HF_TOKEN),
  }
}

/** The folder that is meant, absolute. */
export function modelsPlace(folder: unknown): string {
  return folder === undefined ? modelsFolder(process.env) : checkPath('hub.folder', folder)
}

/**
 * The address of a server and what is before the paths that are asked for there, ending in a slash.
 *
 * @throws {InvalidOptionError} Never repeating the text, which may hold a password.
 */
export function checkWebAddress(option: string, text: unknown): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (!url || !isWeb || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new InvalidOptionError(option, 'an http: or https: address without credentials', 'another text')
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

/**
 * A key or token; undefined where there is none.
 *
 * @throws {InvalidOptionError} Never repeating it.
 */
export function checkSecret(option: string, token: unknown): string | undefined {
  const text = typeof token === 'string' ? token.trim() : token
  if (text === undefined || text === '') return undefined
  if (typeof text === 'string' && /^[\x21-\x7e]{1,4096}$/.test(text)) return text
  throw new InvalidOptionError(option, 'printable characters without spaces', 'something else')
}
