import { constants, createDeflate, deflateSync } from 'node:zlib'
import type { WebSocket } from 'ws'
import type { Frame } from './session.js'

export type Transport = (frame: Frame) => void

/**
 * How frames are written: plain text, or one zlib stream over the whole connection.
 * https://docs.discord.com/developers/events/gateway#transport-compression
 */
export function createTransport(socket: WebSocket, zlibStream: boolean): Transport {
  if (!zlibStream) return (frame) => socket.send(JSON.stringify(frame))
  const deflate = createDeflate()
  let pending: Buffer[] = []
  deflate.on('data', (chunk: Buffer) => pending.push(chunk))
  return (frame) => {
    deflate.write(JSON.stringify(frame))
    deflate.flush(constants.Z_SYNC_FLUSH, () => {
      if (pending.length > 0) socket.send(Buffer.concat(pending))
      pending = []
    })
  }
}

/** Each frame deflated by itself. https://docs.discord.com/developers/events/gateway#payload-compression */
export function createPayloadTransport(socket: WebSocket): Transport {
  return (frame) => socket.send(deflateSync(JSON.stringify(frame)))
}
