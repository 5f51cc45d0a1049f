import { ApiError } from './api-error.js'
import type { BodyKit, Request } from './context.js'

/**
 * Reads a body; what a length promises is not believed.
 *
 * @throws {ApiError} 413 beyond `mostBytes`, before more than that is held; 408 if it takes too long; 400 if it breaks off;
 *   503 if all requests together hold too much.
 */
export async function readBody(
  c: Request,
  { bodies, services }: BodyKit,
  mostBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(c.req.header('content-length') ?? 0) > mostBytes) throw tooLarge(mostBytes)
  const reader = c.req.raw.body?.getReader()
  if (reader === undefined) return new Uint8Array(0)
  const parts: Uint8Array[] = []
  let sizeBytes = 0
  const { late, stop } = deadline(services.limits.bodyMs)
  try {
    for (;;) {
      const read = reader.read().catch((cause: unknown) => {
        throw new ApiError(400, 'invalid_request', 'The body broke off.', { cause })
      })
      const { done, value } = await Promise.race([read, late])
      if (done) break
      sizeBytes += value.length
      if (sizeBytes > mostBytes) throw tooLarge(mostBytes)
      bodies.take(value.length)
      c.set('heldBytes', sizeBytes)
      parts.push(value)
    }
  } catch (error) {
    // Not waited for: a sender that goes on sending would hold it up.
    reader.cancel().catch(() => {})
    throw error
  } finally {
    stop()
  }
  const body = new Uint8Array(sizeBytes)
  let offset = 0
  for (const part of parts) {
    body.set(part, offset)
    offset += part.length
  }
  return body
}

/** A promise that fails when the time is over, and a function that ends it. */
function deadline(milliseconds: number): { readonly late: Promise<never>; stop(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow(milliseconds)), milliseconds)
  })
  late.catch(() => {})
  return { late, stop: () => clearTimeout(timer) }
}

/** The connection ends with it: what is still sent on it would be nobody's. */
function tooSlow(milliseconds: number): ApiError {
  const message = `The body has to be there within ${milliseconds / 1000} seconds.`
  return new ApiError(408, 'body_too_slow', message, { headers: { Connection: 'close' } })
}

function tooLarge(mostBytes: number): ApiError {
  return new ApiError(413, 'body_too_large', `The body may have at most ${mostBytes} bytes.`)
}
