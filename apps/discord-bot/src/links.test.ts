import { expect, test } from 'vitest'
import { serveFiles } from '../../edge-api/test/files.js'
import { toldAlone } from '../test/answers.js'
import { setUp } from '../test/bot.js'

const TALKS = { channel: 'talks' }

test('links into private networks, of no video and of too long ones are told in words, to the asker alone', async () => {
  await using files = await serveFiles()
  await using stage = await setUp({}, { LONGTAKE_MAX_VIDEO_SECONDS: '1' })
  const { discord } = stage
  const ask = (video: string) =>
    toldAlone(discord, discord.user('ada').slash('ask', { question: 'What?', video }, TALKS))
  expect(await ask('http://169.254.169.254/latest/meta-data')).toContain('private network')
  expect(await ask(files.url('demo/questions.json'))).toMatch(/no video/)
  expect(await ask('https://www.youtube.com/watch?v=dQw4w9WgXcQ')).toContain('YouTube')
  expect(await ask(files.url('demo/0000.mp4'))).toContain('too long or too large')
  const left = () => discord.messages('talks').filter(({ deleted, ephemeral }) => !deleted && !ephemeral)
  await discord.until(() => left().length === 0)
})
