import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import type { Check } from './check.js'

/** publint's rules: whether Node and bundlers find what the manifest says. Suggestions count. */
export const publintCheck: Check = {
  name: 'publint',
  inspect: async ({ bytes }) => {
    const { messages, pkg } = await publint({ pack: { tarball: copy(bytes) }, strict: true })
    return {
      measured: '',
      problems: messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code),
    }
  },
}

function copy(bytes: Uint8Array): ArrayBuffer {
  const buffer = new ArrayBuffer(bytes.byteLength)
  new Uint8Array(buffer).set(bytes)
  return buffer
}
