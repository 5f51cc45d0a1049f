import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { generateText, streamText } from 'ai'
import { expect, test } from 'vitest'
import { startOpenAi } from '../../runtime/test/openai-server.js'
import { createLongtake } from './index.js'

const DEMO = fileURLToPath(new URL('../../../tests/data/demo/0000.mp4', import.meta.url))

test('asks models behind an API about videos, which those cannot take themselves', async () => {
  await using server = await startOpenAi()
  await using longtake = createLongtake({ load: { remote: { sendFrames: 3, key: 'of-the-test' } } })
  const model = longtake(`openai:${server.url}#some/model`)
  const data = new Uint8Array(await readFile(DEMO))
  const content = [
    { type: 'file' as const, data, mediaType: 'video/mp4' },
    { type: 'text' as const, text: 'What is it?' },
  ]
  const { text, usage } = await generateText({ model, messages: [{ role: 'user', content }] })
  expect([text, usage.inputTokens, usage.outputTokens]).toEqual(['a red square', 900, 3])
  const { textStream } = streamText({ model, messages: [{ role: 'user', content }] })
  const pieces: string[] = []
  for await (const piece of textStream) pieces.push(piece)
  expect(pieces).toEqual(['a ', 'red ', 'square'])
  expect(server.questions).toHaveLength(2)
  for (const { authorization, body } of server.questions) {
    expect(authorization).toBe('Bearer of-the-test')
    expect(body.messages?.[0]?.content.filter(({ type }) => type === 'image_url')).toHaveLength(3)
  }
})
