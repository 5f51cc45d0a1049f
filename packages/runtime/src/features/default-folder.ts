import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Most bytes a cache takes when nothing is said: about two hours of video at a frame every four seconds (576 patches of 1,024 floats). */
export const DEFAULT_CACHE_BYTES = 4 * 2 ** 30

/** What decides where caches are. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** As `process.platform`. */
  readonly platform: string
  readonly home: string
}

/**
 * The folder where Longtake keeps what it can make again: `LONGTAKE_CACHE` if set, else `longtake` in
 * `XDG_CACHE_HOME` if that is an absolute path, else where the system wants it: `~/Library/Caches/longtake` on macOS,
 * `%LOCALAPPDATA%\longtake\Cache` on Windows, `~/.cache/longtake` elsewhere.
 */
export function cacheFolder(
  surroundings: Surroundings = { environment: process.env, platform: process.platform, home: homedir() },
): string {
  const { environment, platform, home } = surroundings
  const own = environment.LONGTAKE_CACHE
  if (own !== undefined && own !== '') return own
  const shared = environment.XDG_CACHE_HOME
  if (shared !== undefined && isAbsolute(shared)) return join(shared, 'longtake')
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'longtake')
  if (platform !== 'win32') return join(home, '.cache', 'longtake')
  return join(environment.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'longtake', 'Cache')
}
