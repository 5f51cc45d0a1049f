import { expect, test } from 'vitest'
import { KEYS, startApi } from '../../edge-api/test/api.js'
import { readData, serveFiles } from '../../edge-api/test/files.js'
import { answered, toldAlone } from '../test/answers.js'
import { setUp } from '../test/bot.js'

const TALKS = { channel: 'talks' }
const QUESTION = 'Which shape is at the start of the video?'

test('another Longtake answers by its API: links, files, evidence, failures', async () => {
  await using files = await serveFiles()
  const api = await startApi()
  try {
    const env = { LONGTAKE_ENGINE_URL: `${api.url}/v1`, LONGTAKE_ENGINE_KEY: KEYS.ann }
    await using stage = await setUp({}, env)
    const { discord } = stage
    const ada = discord.user('ada')
    const linked = ada.slash('ask', { question: QUESTION, video: files.url('demo/0000.mp4') }, TALKS)
    const answer = await answered(discord, linked)
    expect(answer.content).toMatch(/square/i)
    expect(answer.attachments).toMatchObject([{ filename: 'storyboard.png' }])
    const bytes = await readData('demo/0000.mp4')
    const attached = ada.slash('ask', { question: QUESTION, file: { name: 'a.mp4', bytes } }, TALKS)
    expect((await answered(discord, attached)).content).toMatch(/square/i)
    const missing = ada.slash('ask', { question: QUESTION, video: files.url('nothing.mp4') }, TALKS)
    expect(await toldAlone(discord, missing)).toContain('nothing behind this link')
  } finally {
    await api.close()
  }
})
