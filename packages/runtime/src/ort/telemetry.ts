type Koffi = typeof import('koffi').default

/** ONNX Runtime reads this when it starts; 1 means that it reports nothing. Windows has other means. */
const SETTING = 'ORT_DISABLE_TELEMETRY'

/**
 * Keeps ONNX Runtime from reporting: its packaged libraries otherwise send data on models and machine to their maker,
 * and write a device id and a cache into the home folder and files into the temporary folder. Nobody who asks about
 * a video was asked about that. Where the setting is in the environment already, it stands.
 *
 * Call before the library is loaded.
 *
 * @param koffi - Reaches the native environment where the runtime's own is a copy: in worker threads, in Bun.
 */
export function refuseTelemetry(koffi?: Koffi): void {
  const value = process.env[SETTING] ?? '1'
  process.env[SETTING] = value
  if (koffi === undefined || process.platform === 'win32') return
  try {
    koffi.load(null).func('setenv', 'int', ['str', 'str', 'int'])(SETTING, value, 1)
  } catch {
    // Without the C library's function the runtime's own environment is all that can be set.
  }
}
