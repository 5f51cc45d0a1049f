import type { Readable, Writable } from 'node:stream'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import type { VideoTools } from './video-tools.js'

export interface Stdio {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: NodeJS.WritableStream
  /** Ends serving. */
  readonly signal: AbortSignal
}

/** Answers one client, such as an editor that started this process, until its input ends or `signal` fires. */
export async function serveTools(tools: VideoTools, { stdin, stdout, signal }: Stdio): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    stdin.once('end', resolve).once('close', resolve)
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  // The transport listens, pauses and writes, which streams of every kind can.
  const transport = new StdioServerTransport(stdin as Readable, stdout as Writable)
  const serving = serveStdio(() => tools.server(), { transport })
  await ended
  await serving.close()
}
