import { DiscordAPIError } from 'discord.js'
import { expect, test } from 'vitest'
import { openLog } from './log.js'

test('errors of requests are logged without bodies, addresses and tokens', () => {
  const lines: string[] = []
  const log = openLog('info', { write: (line: string) => void lines.push(line) })
  const body = { json: { content: 'a private question' }, files: undefined }
  const url = 'https://discord.com/api/v10/webhooks/1/secret-token/messages/@original'
  const raw = { code: 10008, message: 'Unknown Message' }
  log.warn({ err: new DiscordAPIError(raw, 10008, 404, 'PATCH', url, body) }, 'refused')
  const [line = ''] = lines
  expect(JSON.parse(line)).toMatchObject({ err: { code: 10008, status: 404, message: 'Unknown Message' } })
  expect(line).not.toMatch(/secret-token|private/)
})
