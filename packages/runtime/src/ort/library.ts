import { readdirSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { EngineError } from '@longtake/core'

/** File names of the ONNX Runtime library as onnxruntime-node ships it, by `process.platform`. */
const LIBRARY_NAMES: Readonly<Record<string, RegExp>> = {
  linux: /^libonnxruntime\.so(\.\d+)*$/,
  // The binding links against the name with the major version alone; the other file is a copy of it.
  darwin: /^libonnxruntime\.\d+\.dylib$/,
  win32: /^onnxruntime\.dll$/,
}

/**
 * Path of the ONNX Runtime library inside the installed `onnxruntime-node`, for this platform.
 *
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if the package is not installed or has no library for this platform.
 */
export function findLibrary(platform: string = process.platform, arch: string = process.arch): string {
  const folder = join(packageFolder(), 'bin', 'napi-v6', platform, arch)
  const pattern = LIBRARY_NAMES[platform]
  const file = pattern && listFiles(folder).find((name) => pattern.test(name))
  if (!file)
    throw new EngineError(
      'ENGINE_UNAVAILABLE',
      `onnxruntime-node has no library for ${platform} on ${arch}; use a supported platform.`,
    )
  return join(folder, file)
}

function packageFolder(): string {
  try {
    const entry = createRequire(import.meta.url).resolve('onnxruntime-node')
    return dirname(dirname(realpathSync(entry)))
  } catch (cause) {
    throw new EngineError('ENGINE_UNAVAILABLE', 'The package onnxruntime-node is missing; install it.', {
      cause,
    })
  }
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}
