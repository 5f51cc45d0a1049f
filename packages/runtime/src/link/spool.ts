import { LinkError } from '@longtake/core'
import type { Answer } from './exchange.js'
import type { LinkedBytes } from './linked-bytes.js'
import { openTemporaryFile, type TemporaryFile } from './temporary-file.js'

/**
 * Downloads a body whole, where there is no other way to it.
 *
 * @throws {LinkError} `LINK_TOO_LARGE` beyond `maxBytes`; before the download where the server says how long it is.
 */
export async function spoolBody(
  answer: Answer,
  body: AsyncGenerator<Uint8Array>,
  maxBytes: number,
): Promise<LinkedBytes> {
  const said = Number(answer.header('content-length') ?? 0)
  if (said > maxBytes) {
    await body.return(undefined)
    answer.drop()
    throw new LinkError(
      'LINK_TOO_LARGE',
      `The link has to be downloaded whole, and is longer than the ${maxBytes} bytes allowed for that.`,
    )
  }
  return spool(maxBytes, async (file) => {
    for await (const piece of body) await file.append(piece)
  })
}

/** Fills a temporary file; nothing of it is left where that fails. */
export async function spool(
  maxBytes: number,
  fill: (file: TemporaryFile) => Promise<void>,
): Promise<LinkedBytes> {
  const file = await openTemporaryFile(maxBytes)
  try {
    await fill(file)
  } catch (error) {
    await file.close()
    throw error
  }
  return {
    way: 'spool',
    sizeBytes: file.sizeBytes,
    read: (start, end) => file.read(start, end),
    close: () => file.close(),
  }
}
