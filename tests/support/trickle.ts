import { connect } from 'node:net'

/** Between two bytes. */
const PAUSE_MILLISECONDS = 200

/** Someone who sends slowly. */
export interface Trickle {
  /** Settles when the headers are on their way. */
  readonly begun: Promise<void>
  /** What the server said, once it has said something, or ended the connection without a word. */
  readonly said: Promise<string>
  /** Settles when the connection has ended. */
  readonly ended: Promise<void>
  stop(): void
}

/** Sends the headers of a JSON request and then its body a byte at a time, for as long as the server lets it. */
export function trickle(url: string): Trickle {
  const { hostname, port, pathname, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  const begun = new Promise<void>((resolve) => {
    const headers = `Host: ${host}\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n`
    socket.write(`POST ${pathname} HTTP/1.1\r\n${headers}\r\n`, () => resolve())
  })
  const sending = setInterval(() => socket.write(' '), PAUSE_MILLISECONDS)
  // A server that has ended the connection refuses what is still on its way.
  socket.on('error', () => {})
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => {
      clearInterval(sending)
      resolve()
    })
  })
  const said = new Promise<string>((resolve) => {
    let text = ''
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      // The answer is one JSON object, of which nothing follows the last bracket.
      if (text.includes('\r\n\r\n') && text.trimEnd().endsWith('}')) resolve(text)
    })
    void ended.then(() => resolve(text))
  })
  return { begun, said, ended, stop: () => socket.destroy() }
}
