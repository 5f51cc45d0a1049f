import { expect, test } from 'vitest'
import { serveFiles } from '../../edge-api/test/files.js'
import { setUp } from '../test/bot.js'

test('a question about a link is acknowledged at once, answered by the model, and pings nobody', async () => {
  await using files = await serveFiles()
  await using stage = await setUp()
  const { discord } = stage
  const url = files.url('demo/0000.mp4')
  const asked = discord
    .user('ada')
    .slash('ask', { question: 'Which shape is at the start of the video?', video: url }, { channel: 'talks' })
  await asked.acknowledged()
  const reply = await discord.until(
    () => asked.reply?.components.some(({ label }) => label === 'Show frames') && asked.reply,
    { withinMs: 50_000 },
  )
  expect(reply.content).toContain('**ada** asked: Which shape is at the start of the video?')
  // The answer stands apart from the question, in one message.
  expect(reply.content).toMatch(/video\?\n\nsquare\n-# /i)
  expect(reply.content).toContain(`](<${url}#t=`)
  expect(reply.attachments).toMatchObject([
    { filename: 'storyboard.png', description: expect.stringContaining('Contact sheet') },
  ])
  expect(reply.components.map(({ label }) => label)).toEqual(['More frames', 'Show frames', 'Delete'])
  expect(asked.acknowledgedAfterMs).toBeLessThan(3000)
  expect(discord.botPings).toEqual([])
  expect(discord.counts.selfInflictedRateLimits).toBe(0)
})
