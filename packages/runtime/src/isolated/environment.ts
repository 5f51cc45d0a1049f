/** What native libraries, temporary files and texts need of the environment. None of it is a secret. */
const NEEDED = [
  'DYLD_LIBRARY_PATH',
  'LANG',
  'LC_ALL',
  'LD_LIBRARY_PATH',
  'ORT_DISABLE_TELEMETRY',
  'PATH',
  'SYSTEMROOT',
  'TEMP',
  'TMP',
  'TMPDIR',
  'TZ',
  'UV_THREADPOOL_SIZE',
  'WINDIR',
]

/**
 * The environment of a child: nothing but what it needs.
 *
 * @param more - What the caller adds.
 */
export function childEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const kept = Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && NEEDED.includes(name.toUpperCase()) ? [[name, value] as const] : [],
  )
  return { ...Object.fromEntries(kept), ...more }
}
