import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request as the server got it. */
interface Received {
  readonly path: string
  readonly authorization: string | undefined
  readonly body: ReceivedBody
}

export interface ReceivedPart {
  readonly type: string
  readonly text?: string
  readonly image_url?: { readonly url: string }
}

interface ReceivedBody extends Readonly<Record<string, unknown>> {
  readonly messages?: readonly { readonly role: string; readonly content: readonly ReceivedPart[] }[]
}

/** Answers one request. */
export type Respond = (response: ServerResponse, received: Received) => void

/** A stand-in for an API as OpenAI's. */
export interface OpenAiServer extends AsyncDisposable {
  readonly url: string
  /** Questions so far; lists of models are not counted. */
  readonly questions: readonly Received[]
  /** Everything asked for so far. */
  readonly all: readonly Received[]
  /** Settles when a question's connection was closed by whoever asked. */
  readonly left: Promise<void>
  /** What answers questions from now on; several: one after the other, the last one again and again. */
  respond(...ways: readonly Respond[]): void
  /** What answers `GET /models` from now on. */
  respondModels(way: Respond): void
}

/** The start of a stream of events. */
export function startStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
}

/** One event with JSON. */
export function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

/** A piece of an answer. */
export function piece(content: string, finish: string | null = null): string {
  return event({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })
}

export const USAGE = event({ choices: [], usage: { prompt_tokens: 900, completion_tokens: 3 } })
export const DONE = 'data: [DONE]\n\n'

/** Streams an answer word by word. */
export function answering(text: string): Respond {
  return (response) => {
    startStream(response)
    for (const word of text.split(/(?<= )/)) response.write(piece(word))
    response.end(piece('', 'stop') + USAGE + DONE)
  }
}

/** A refusal as JSON. */
export function refusing(
  status: number,
  error: unknown = { message: 'no' },
  headers: Readonly<Record<string, string>> = {},
): Respond {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify({ error }))
  }
}

/** Starts a server on a free port of this machine. */
export async function startOpenAi(model = 'some/model'): Promise<OpenAiServer> {
  const all: Received[] = []
  let ways: readonly Respond[] = [answering('a red square')]
  let models: Respond = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ object: 'list', data: [{ id: model, object: 'model' }] }))
  }
  let leave = (): void => {}
  const left = new Promise<void>((resolve) => {
    leave = resolve
  })
  const server = createServer(async (request, response) => {
    const received = await receive(request)
    all.push(received)
    if (received.path.endsWith('/models')) return models(response, received)
    response.on('close', () => !response.writableFinished && leave())
    const [way, ...later] = ways
    if (later.length > 0) ways = later
    way?.(response, received)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    all,
    left,
    get questions() {
      return all.filter(({ path }) => !path.endsWith('/models'))
    },
    respond: (...next) => {
      ways = next
    },
    respondModels: (way) => {
      models = way
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function receive(request: IncomingMessage): Promise<Received> {
  let text = ''
  for await (const bytes of request.setEncoding('utf8')) text += bytes
  return {
    path: request.url ?? '',
    authorization: request.headers.authorization,
    body: text === '' ? {} : JSON.parse(text),
  }
}
