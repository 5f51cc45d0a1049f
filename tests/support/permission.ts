import { chmod } from 'node:fs/promises'

const NOBODY = 65_534

/**
 * Does work while a path may not be read: its mode is 0, and an administrator, who may read everything, steps down.
 *
 * @param mode - Mode of the path meanwhile.
 */
export async function withoutPermission<R>(path: string, work: () => Promise<R>, mode = 0): Promise<R> {
  const isRoot = process.getuid?.() === 0
  await chmod(path, mode)
  if (isRoot) process.seteuid?.(NOBODY)
  try {
    return await work()
  } finally {
    if (isRoot) process.seteuid?.(0)
    await chmod(path, 0o755)
  }
}
