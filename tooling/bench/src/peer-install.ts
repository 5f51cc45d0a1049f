import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import { EngineError } from '@longtake/core'

export type PeerName = 'llama.cpp' | 'transformers.js'

/** What is installed for a peer, pinned, and how. */
interface PeerPackages {
  /** The first stands for the peer. */
  readonly packages: readonly [string, ...string[]]
  readonly flags: readonly string[]
}

/** Far more than a slow line needs, milliseconds. */
const PATIENCE_MS = 300_000

/**
 * Versions that the numbers of the documentation were measured with. Of node-llama-cpp only the binaries of this
 * platform's CPU are taken: its other optional packages are hundreds of megabytes for graphics cards.
 */
function packagesOf(peer: PeerName): PeerPackages {
  if (peer === 'transformers.js') return { packages: ['@huggingface/transformers@4.3.1'], flags: [] }
  const platform = LLAMA_PLATFORMS[`${process.platform} ${process.arch}`]
  if (platform === undefined) {
    throw unavailable(peer, `node-llama-cpp has no binaries for ${process.platform} ${process.arch}`)
  }
  const version = '3.22.1'
  return {
    packages: [`node-llama-cpp@${version}`, `@node-llama-cpp/${platform}@${version}`],
    flags: ['--omit=optional'],
  }
}

const LLAMA_PLATFORMS: Readonly<Record<string, string>> = {
  'linux x64': 'linux-x64',
  'linux arm64': 'linux-arm64',
  'darwin x64': 'mac-x64',
  'win32 x64': 'win-x64',
  'win32 arm64': 'win-arm64',
}

/** The npm package and version that stands for a peer, such as `node-llama-cpp@3.22.1`. */
export function peerVersion(peer: PeerName): string {
  return packagesOf(peer).packages[0]
}

/**
 * Installs a peer into a folder of its own. No script of a package is run.
 *
 * @param npm - The command that installs; for tests.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if the platform has no such package, or npm cannot install it.
 */
export async function installPeer(
  peer: PeerName,
  folder: string,
  signal: AbortSignal,
  npm = process.platform === 'win32' ? 'npm.cmd' : 'npm',
): Promise<void> {
  const { packages, flags } = packagesOf(peer)
  await mkdir(folder, { recursive: true })
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--loglevel=error']
  const args = ['install', '--prefix', folder, ...quiet, ...flags, ...packages]
  try {
    await promisify(execFile)(npm, args, {
      cwd: folder,
      signal,
      timeout: PATIENCE_MS,
      shell: process.platform === 'win32',
    })
  } catch (cause) {
    const said =
      cause instanceof Error ? cause.message.trim().split('\n').slice(0, 4).join(' ') : String(cause)
    throw unavailable(peer, said, cause)
  }
}

function unavailable(peer: PeerName, reason: string, cause?: unknown): EngineError {
  const message = `${peer} could not be installed, so it is not compared: ${reason}.`
  return new EngineError('ENGINE_UNAVAILABLE', message, { cause })
}
