import { CheckpointError } from '@longtake/core'
import { expect } from 'vitest'
import { bytesAccess, openSafetensors } from '../src/safetensors/open.js'

export type Header = Record<string, unknown>

/** A file from a header and data; the header may be any text, so that hostile ones can be made. */
export function file(
  header: Header | string,
  data: Uint8Array | number[] = [],
  claimedLength?: bigint,
): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, claimedLength ?? BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  return bytes
}

export const open = (bytes: Uint8Array, name = 'model.safetensors') =>
  openSafetensors([bytesAccess(name, bytes)])

export async function refusal(work: Promise<unknown>): Promise<CheckpointError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(CheckpointError)
  return error as CheckpointError
}

export const single = (entry: unknown) => ({ w: entry })
