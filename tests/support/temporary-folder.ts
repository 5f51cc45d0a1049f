import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

/** Where POSIX systems are told the temporary folder. */
const SETTING = 'TMPDIR'
const systemFolder = process.env[SETTING]
let folder = ''

/** Makes a folder of this test file's own what the process takes for the system's temporary folder. */
export function useTemporaryFolder(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longtake-test-'))
    // Others may pass through, so that permission is a matter of the single file.
    await chmod(folder, 0o755)
    process.env[SETTING] = folder
  })
  afterAll(async () => {
    if (systemFolder === undefined) delete process.env[SETTING]
    else process.env[SETTING] = systemFolder
    await rm(folder, { recursive: true, force: true })
  })
}

/** Path in the temporary folder. */
export function temporaryPath(name = ''): string {
  return join(folder, name)
}

/** Writes a file into the temporary folder and gives its path. */
export async function temporaryFile(name: string, content: Uint8Array | string): Promise<string> {
  const path = temporaryPath(name)
  await writeFile(path, content)
  return path
}
