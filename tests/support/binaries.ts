import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Platform packages of other runtimes by `process.platform`-`process.arch`, with the program in each. */
const BINARIES = {
  bun: {
    'linux-x64': ['@oven/bun-linux-x64', 'bin/bun'],
    'linux-arm64': ['@oven/bun-linux-aarch64', 'bin/bun'],
    'darwin-x64': ['@oven/bun-darwin-x64', 'bin/bun'],
    'darwin-arm64': ['@oven/bun-darwin-aarch64', 'bin/bun'],
    'win32-x64': ['@oven/bun-windows-x64', 'bin/bun.exe'],
  },
  deno: {
    'linux-x64': ['@deno/linux-x64-glibc', 'deno'],
    'linux-arm64': ['@deno/linux-arm64-glibc', 'deno'],
    'darwin-x64': ['@deno/darwin-x64', 'deno'],
    'darwin-arm64': ['@deno/darwin-arm64', 'deno'],
    'win32-x64': ['@deno/win32-x64', 'deno.exe'],
  },
  workerd: {
    'linux-x64': ['@cloudflare/workerd-linux-64', 'bin/workerd'],
    'linux-arm64': ['@cloudflare/workerd-linux-arm64', 'bin/workerd'],
    'darwin-x64': ['@cloudflare/workerd-darwin-64', 'bin/workerd'],
    'darwin-arm64': ['@cloudflare/workerd-darwin-arm64', 'bin/workerd'],
    'win32-x64': ['@cloudflare/workerd-windows-64', 'bin/workerd.exe'],
  },
} as const

/** Where npm put the program, without any install script; `undefined` where it has none for this machine. */
export async function findBinary(name: keyof typeof BINARIES): Promise<string | undefined> {
  const platforms: Readonly<Record<string, readonly [string, string]>> = BINARIES[name]
  const [owner, path] = platforms[`${process.platform}-${process.arch}`] ?? []
  if (owner === undefined || path === undefined) return undefined
  try {
    const manifest = createRequire(import.meta.url).resolve(`${owner}/package.json`)
    const binary = join(dirname(manifest), path)
    await access(binary)
    return binary
  } catch {
    return undefined
  }
}
