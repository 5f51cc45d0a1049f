import { EngineError } from '@longtake/core'
import { createParser } from 'eventsource-parser'
import { readText } from './endpoint.js'
import { cut, type Reply } from './http-exchange.js'
import { countOf, fieldOf, textOf } from './json-fields.js'
import { type Asking, failureOf, quoted, wordsOf } from './refusal.js'

/** Longest event, characters: one has a few words. */
const MAX_EVENT_CHARACTERS = 1024 * 1024
/** Most that is read of one answer, bytes: a million tokens, each in an event of its own, and more. */
const MAX_STREAM_BYTES = 512 * 1024 * 1024
/** Longest answer, characters: beyond what any model writes. */
const MAX_ANSWER_CHARACTERS = 16 * 1024 * 1024
/** What is read of an answer that is no stream, bytes. */
const MAX_OTHER_BYTES = 64 * 1024

/** What a stream said. */
export interface StreamedAnswer {
  readonly text: string
  readonly finishReason: 'stop' | 'length'
  /** Tokens, where the server counted. */
  readonly usage: { readonly prompt: number; readonly completion: number } | undefined
  readonly notes: readonly string[]
}

/**
 * Reads an answer as it comes.
 *
 * @param write - Told each piece of text.
 * @throws {EngineError} `ENGINE_CRASHED` if it ends before its end; `ENGINE_FAILED` if it is an error or something else
 *   than an answer, or longer than any.
 */
export async function readAnswer(
  reply: Reply,
  asking: Asking,
  write: (text: string) => void,
): Promise<StreamedAnswer> {
  await requireStream(reply, asking)
  const answer = new AnswerReader(asking, write)
  const decoder = new TextDecoder()
  let size = 0
  for await (const piece of reply.body()) {
    size += piece.length
    if (size > MAX_STREAM_BYTES) throw tooMuch(asking)
    answer.feed(decoder.decode(piece, { stream: true }))
    if (answer.isDone) break
  }
  answer.feed(decoder.decode())
  return answer.end()
}

async function requireStream(reply: Reply, asking: Asking): Promise<void> {
  const type = reply.header('content-type')
  if (/^text\/event-stream\b/i.test(type)) return
  const text = await readText(reply, MAX_OTHER_BYTES)
  if (/json/i.test(type) && text.includes('"error"')) throw failureOf(text, asking)
  const kind = /html/i.test(type) ? 'a web page' : /json/i.test(type) ? 'JSON in one piece' : 'something else'
  const advice = 'Check the address, which usually ends in /v1; the server must be able to stream'
  const words = /json|html/i.test(type) ? '' : wordsOf(text, asking.key)
  throw new EngineError(
    'ENGINE_FAILED',
    `${asking.host} answered with ${kind}, not with a stream of events. ${advice}${quoted(words)}`,
  )
}

/** Puts the events of one answer together. */
class AnswerReader {
  readonly #asking: Asking
  readonly #write: (text: string) => void
  readonly #parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent: ({ data }) => this.#take(data),
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') throw tooMuch(this.#asking)
    },
  })
  #text = ''
  #finish = ''
  #usage: StreamedAnswer['usage']
  #hasThought = false
  #isDone = false

  constructor(asking: Asking, write: (text: string) => void) {
    this.#asking = asking
    this.#write = write
  }

  /** Whether the server said that this was all. */
  get isDone(): boolean {
    return this.#isDone
  }

  feed(text: string): void {
    this.#parser.feed(text)
  }

  end(): StreamedAnswer {
    this.#parser.reset({ consume: true })
    if (!this.#isDone && this.#finish === '') throw cut(this.#asking.host)
    const isCut = this.#finish === 'length'
    const notes: string[] = []
    if (this.#usage === undefined) notes.push(`${this.#asking.host} did not say how many tokens it used.`)
    if (this.#text === '' && this.#hasThought)
      notes.push('The model only thought, and answered nothing: give it more maxTokens.')
    if (!['', 'stop', 'length'].includes(this.#finish))
      notes.push(`The model ended for a reason of its own: ${wordsOf(this.#finish, this.#asking.key)}.`)
    return { text: this.#text, finishReason: isCut ? 'length' : 'stop', usage: this.#usage, notes }
  }

  #take(data: string): void {
    if (this.#isDone) return
    if (data.trim() === '[DONE]') {
      this.#isDone = true
      return
    }
    const event = this.#parse(data)
    const error = fieldOf(event, 'error')
    if (error !== undefined && error !== null) throw failureOf(error, this.#asking)
    const prompt = countOf(fieldOf(fieldOf(event, 'usage'), 'prompt_tokens'))
    const completion = countOf(fieldOf(fieldOf(event, 'usage'), 'completion_tokens'))
    if (prompt !== undefined && completion !== undefined) this.#usage = { prompt, completion }
    const choices = fieldOf(event, 'choices')
    if (Array.isArray(choices)) this.#choose(choices[0])
  }

  #choose(choice: unknown): void {
    const delta = fieldOf(choice, 'delta')
    const text = textOf(fieldOf(delta, 'content'))
    if (textOf(fieldOf(delta, 'reasoning_content')) + textOf(fieldOf(delta, 'reasoning')) !== '')
      this.#hasThought = true
    this.#finish = textOf(fieldOf(choice, 'finish_reason')) || this.#finish
    if (text === '') return
    if (this.#text.length + text.length > MAX_ANSWER_CHARACTERS) throw tooMuch(this.#asking)
    this.#text += text
    this.#write(text)
  }

  #parse(data: string): unknown {
    try {
      return JSON.parse(data)
    } catch {
      const said = wordsOf(data.slice(0, 200), this.#asking.key)
      throw new EngineError(
        'ENGINE_FAILED',
        `${this.#asking.host} streams something else than JSON${quoted(said)}`,
      )
    }
  }
}

function tooMuch({ host }: Asking): EngineError {
  return new EngineError('ENGINE_FAILED', `${host} sends more than any answer has. It was stopped.`)
}
