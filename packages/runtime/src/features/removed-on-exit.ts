import { rmSync } from 'node:fs'

const paths = new Set<string>()

function removeAll(): void {
  for (const path of paths) {
    try {
      rmSync(path, { force: true })
    } catch {
      // The process ends; whoever comes next removes it by its age.
    }
  }
}

/** Has a temporary file removed if the process ends before `forget`. */
export function removeOnExit(path: string): void {
  if (paths.size === 0) process.on('exit', removeAll)
  paths.add(path)
}

export function forget(path: string): void {
  if (paths.delete(path) && paths.size === 0) process.off('exit', removeAll)
}
