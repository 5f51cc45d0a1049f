import type { Backend } from '../ort/types.js'

/** Whether it is an open back end, and not the name of one. */
export function isBackend(backend: unknown): backend is Backend {
  if (typeof backend !== 'object' || backend === null) return false
  return ['tensor', 'session', 'close'].every((name) => typeof Reflect.get(backend, name) === 'function')
}
