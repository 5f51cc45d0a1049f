import { ApiError } from './api-error.js'
import type { BodyKit, Request } from './context.js'

/**
 * Reads a body; what a length promises is not believed.
 *
 * @throws {ApiError} 413 beyond `mostBytes`, before more than that is held; 400 if it breaks off; 503 if all requests
 *   together hold too much.
 */
export async function readBody(
  c: Request,
  { bodies }: Pick<BodyKit, 'bodies'>,
  mostBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(c.req.header('content-length') ?? 0) > mostBytes) throw tooLarge(mostBytes)
  const parts: Uint8Array[] = []
  let sizeBytes = 0
  const reader = c.req.raw.body?.getReader()
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new ApiError(400, 'invalid_request', 'The body broke off.', { cause })
    })
    if (done) break
    sizeBytes += value.length
    if (sizeBytes > mostBytes) {
      // Not waited for: a sender that goes on sending would hold it up.
      reader.cancel().catch(() => {})
      throw tooLarge(mostBytes)
    }
    bodies.take(value.length)
    c.set('heldBytes', sizeBytes)
    parts.push(value)
  }
  const body = new Uint8Array(sizeBytes)
  let offset = 0
  for (const part of parts) {
    body.set(part, offset)
    offset += part.length
  }
  return body
}

function tooLarge(mostBytes: number): ApiError {
  return new ApiError(413, 'body_too_large', `The body may have at most ${mostBytes} bytes.`)
}
