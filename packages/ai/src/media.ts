import type { LanguageModelV3FilePart } from '@ai-sdk/provider'
import { InvalidOptionError } from '@longtake/core'
import { type LinkPolicy, openLink, type VideoInput } from '@longtake/runtime'
import type { Media } from '@longtake/runtime/open-videos'

/** Links of the prompt's parts go through the guard: who writes a prompt is often a stranger. */
export async function mediaOf(
  parts: readonly LanguageModelV3FilePart[],
  links: LinkPolicy | undefined,
): Promise<Media> {
  const opened = await Promise.all(parts.map((part) => partOf(part, links)))
  const key = opened.map((part) => part.key).join(' ')
  return {
    key,
    async open(signal) {
      const inputs = await openAll(opened, signal)
      const [only] = inputs
      return inputs.length === 1 && only !== undefined ? only : inputs
    },
  }
}

/** A video of the developer's own machine. */
export function localMedia(path: string): Media {
  return { key: `file ${path}`, open: async () => path }
}

interface OpenPart {
  readonly key: string
  open(signal: AbortSignal): Promise<VideoInput>
}

async function partOf({ data }: LanguageModelV3FilePart, links: LinkPolicy | undefined): Promise<OpenPart> {
  if (data instanceof URL) {
    const { href } = data
    return { key: `link ${href}`, open: (signal) => openLink(href, { policy: links, signal }) }
  }
  const bytes = typeof data === 'string' ? fromBase64(data) : data
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes)))
  return { key: `bytes ${Buffer.from(hash).toString('hex')}`, open: async () => bytes }
}

function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0) throw new InvalidOptionError('data', 'bytes, Base64 or a URL', text.slice(0, 40))
  return bytes
}

/** All or none. */
async function openAll(parts: readonly OpenPart[], signal: AbortSignal): Promise<VideoInput[]> {
  const results = await Promise.allSettled(parts.map((part) => part.open(signal)))
  const inputs = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed === undefined) return inputs
  await closeInputs(inputs)
  throw failed.reason
}

async function closeInputs(inputs: readonly VideoInput[]): Promise<void> {
  await Promise.allSettled(
    inputs.map((one) => (typeof one === 'object' && 'close' in one ? one.close() : undefined)),
  )
}
