import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, streamText } from 'ai'
import OpenAI, { APIError, NotFoundError, UnprocessableEntityError } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KEYS, startApi } from '../test/api.js'
import { type FileServer, readData, serveFiles } from '../test/files.js'
import type { RunningServer } from './node/index.js'

let files: FileServer
let api: RunningServer
let client: OpenAI

const MODEL = '@longtake/tiny'
const QUESTION = 'Which shape is at the start of the video?'

beforeAll(async () => {
  files = await serveFiles()
  api = await startApi()
  client = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: KEYS.ann, maxRetries: 0 })
})

afterAll(async () => {
  await api.close()
  await files[Symbol.asyncDispose]()
})

type Messages = OpenAI.ChatCompletionMessageParam[]

/** OpenAI's types know no video parts; its client sends them all the same. */
function about(url: string, text = QUESTION): Messages {
  const content = [
    { type: 'video_url', video_url: { url } },
    { type: 'text', text },
  ]
  return [{ role: 'user', content }] as unknown as Messages
}

describe('the openai client', () => {
  test('lists models and reads one', async () => {
    const models = await client.models.list()
    expect(models.data.map(({ id }) => id)).toEqual([MODEL])
    await expect(client.models.retrieve(MODEL)).resolves.toMatchObject({ id: MODEL, object: 'model' })
    await expect(client.models.retrieve('nobody/knows')).rejects.toBeInstanceOf(NotFoundError)
  })

  test('answers, and streams the same answer', async () => {
    const messages = about(files.url('demo/0000.mp4'))
    const whole = await client.chat.completions.create({ model: MODEL, messages })
    const text = whole.choices[0]?.message.content ?? ''
    expect(text).toMatch(/square/i)
    expect(whole.choices[0]?.finish_reason).toBe('stop')
    expect(whole.usage?.total_tokens).toBe(
      (whole.usage?.prompt_tokens ?? 0) + (whole.usage?.completion_tokens ?? 0),
    )
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    let streamed = ''
    const ends: string[] = []
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const chunk of stream) {
      expect(chunk.object).toBe('chat.completion.chunk')
      streamed += chunk.choices[0]?.delta.content ?? ''
      const end = chunk.choices[0]?.finish_reason
      if (end) ends.push(end)
      usage = chunk.usage ?? usage
    }
    expect(streamed).toBe(text)
    expect(ends).toEqual(['stop'])
    expect(usage).toMatchObject({ completion_tokens: whole.usage?.completion_tokens })
  })

  test('gets errors as its own classes, before and after a stream began', async () => {
    const broken = about(files.url('demo/questions.json'))
    await expect(client.chat.completions.create({ model: MODEL, messages: broken })).rejects.toBeInstanceOf(
      UnprocessableEntityError,
    )
    const stream = await client.chat.completions.create({ model: MODEL, messages: broken, stream: true })
    const read = async (): Promise<void> => {
      for await (const chunk of stream) expect(chunk.choices[0]?.delta.content).toBe('')
    }
    await expect(read()).rejects.toBeInstanceOf(APIError)
    const stranger = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: 'wrong', maxRetries: 0 })
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' })
  })

  test('aborts a stream, and the server ends the work', async () => {
    const messages = about(files.url('slow/demo/0000.mp4'))
    const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true })
    setTimeout(() => stream.controller.abort(), 200)
    for await (const chunk of stream) expect(chunk.choices).toHaveLength(1)
    await expect.poll(runningJobs, { timeout: 10_000 }).toBe(0)
  })

  test('aborts a whole answer, and the server ends the work', async () => {
    const messages = about(files.url('slow/demo/0001.mp4'))
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 200)
    const options = { signal: abort.signal }
    await expect(client.chat.completions.create({ model: MODEL, messages }, options)).rejects.toBeInstanceOf(
      OpenAI.APIUserAbortError,
    )
    await expect.poll(runningJobs, { timeout: 10_000 }).toBe(0)
  })
})

describe('the AI SDK', () => {
  const model = () =>
    createOpenAICompatible({
      name: 'longtake',
      baseURL: `${api.url}/v1`,
      apiKey: KEYS.ann,
      includeUsage: true,
    }).chatModel(MODEL)

  test('answers and streams about a video that was registered', async () => {
    const created = await client.post<{ id: string }>('/videos', {
      body: { url: files.url('demo/0000.mp4') },
    })
    const options = { providerOptions: { longtake: { longtake: { video: created.id } } } }
    const { text, usage } = await generateText({ model: model(), prompt: QUESTION, ...options })
    expect(text).not.toBe('')
    expect(usage.outputTokens).toBeGreaterThan(0)
    let streamed = ''
    for await (const piece of streamText({ model: model(), prompt: QUESTION, ...options }).textStream)
      streamed += piece
    expect(streamed).toBe(text)
  })

  test('answers about a picture that it sends along', async () => {
    const image = await readData('images/420.jpg')
    const content = [
      { type: 'image' as const, image, mediaType: 'image/jpeg' },
      { type: 'text' as const, text: QUESTION },
    ]
    const { text, finishReason } = await generateText({
      model: model(),
      messages: [{ role: 'user', content }],
    })
    expect(text).not.toBe('')
    expect(finishReason).toBe('stop')
  })

  test('gets errors as its own class', async () => {
    const failed = generateText({ model: model(), prompt: QUESTION, maxRetries: 0 })
    await expect(failed).rejects.toSatisfy(APICallError.isInstance)
    await expect(failed).rejects.toMatchObject({ statusCode: 400 })
  })
})

/** Jobs that run or wait. */
async function runningJobs(): Promise<number> {
  const response = await fetch(`${api.url}/readyz`)
  const { queued, running } = (await response.json()) as { queued: number; running: number }
  return queued + running
}
