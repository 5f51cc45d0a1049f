import { expect, test } from 'vitest'
import { kill } from './kill.js'

test('jobs survive an engine and a server that are killed', { timeout: 180_000 }, async () => {
  const notes: string[] = []
  const { result, failed } = await kill.run(['--jobs', '6', '--kills', '2'], (text) => notes.push(text))
  expect(notes.filter((note) => note.startsWith('the server'))).toHaveLength(1)
  const none = { lost: 0, doubled: 0, wrong: 0, changed: 0, orphans: 0 }
  expect(result).toMatchObject({ accepted: 6, engineKills: 2, serverKills: 1, ...none })
  expect(Number(result.answered) + Number(result.failedWithReason)).toBe(6)
  expect(failed).toBe(false)
})

test('refuses more kills than jobs', async () => {
  const args = ['--jobs', '3', '--kills', '3']
  await expect(kill.run(args, () => {})).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})
