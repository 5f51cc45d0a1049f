import { systemCode } from './features/error.js'

/** Whether there is a process of this number, 1 or more; another user's counts. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
