import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const VIDEO = { id: 'video-1', status: 'ready', video: { duration: 90 }, plan: { frames: 8 } }
const FRAMES = [
  { index: 1, timestamp: 12, weight: 0.3 },
  { index: 6, timestamp: 75, weight: 0.7 },
]
/** Characters of one piece of a streamed answer. */
const PIECE = 5000

/** A server that speaks as a Longtake API does, and answers what it is told to. */
export interface EngineApi extends AsyncDisposable {
  readonly url: string
}

/** @param answer - The answer to a question; any string, halves of characters too. */
export async function serveEngine(answer: (question: string) => string): Promise<EngineApi> {
  const server = createServer((request, response) => {
    handle(request, response, answer).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (question: string) => string,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { url = '' } = request
  if (url === '/v1/chat/completions') {
    const { messages } = JSON.parse(Buffer.concat(chunks).toString()) as {
      messages: { content: string }[]
    }
    stream(response, answer(messages.at(-1)?.content ?? ''))
  } else if (url.endsWith('/storyboard.png')) response.writeHead(404).end('{}')
  else if (url === '/v1/models') json(response, { data: [{ id: 'hostile' }] })
  else json(response, url.startsWith('/v1/videos') ? VIDEO : {})
}

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function stream(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (chunk: object): unknown => response.write(`data: ${JSON.stringify(chunk)}\n\n`)
  for (let at = 0; at < text.length; at += PIECE)
    send({ choices: [{ delta: { content: text.slice(at, at + PIECE) } }] })
  const { video, plan } = VIDEO
  send({ choices: [{ delta: {} }], longtake: { video, plan, frames: FRAMES } })
  response.end('data: [DONE]\n\n')
}
