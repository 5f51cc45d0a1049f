import { listen } from './listen.js'
import { type RunningServer, serveBy } from './serve.js'

export { newKey } from './keys.js'
export { type OpenApi, openApi, type RunningServer } from './serve.js'

/**
 * Starts the API in this process, on Node, configured by environment variables: see the README.
 *
 * @throws {SettingsError} Naming all mistakes of the configuration.
 * @throws {LongtakeError} If a model cannot be loaded, or the folder of jobs not be opened.
 */
export function serve(env: Readonly<Record<string, string | undefined>>): Promise<RunningServer> {
  return serveBy(listen, env)
}
