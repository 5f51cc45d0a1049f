import { type RunningServer, serveBy } from '../node/serve.js'
import { listen } from './listen.js'

export { newKey } from '../node/keys.js'
export type { RunningServer } from '../node/serve.js'

/**
 * Starts the API in this process, on Bun, configured by environment variables: see the README.
 *
 * @throws {SettingsError} Naming all mistakes of the configuration.
 * @throws {LongtakeError} If a model cannot be loaded, or the folder of jobs not be opened.
 */
export function serve(env: Readonly<Record<string, string | undefined>>): Promise<RunningServer> {
  return serveBy(listen, env)
}
