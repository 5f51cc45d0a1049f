import { expect, test } from 'vitest'
import { botFaults } from './bot-faults.js'

test('a bot that is killed while connections break and requests fail answers every question once', {
  timeout: 300_000,
}, async () => {
  const sizes = ['--questions', '24', '--people', '12', '--kills', '1']
  const { result, failed } = await botFaults.run(sizes, () => {})
  const none = { lost: 0, doubled: 0, wrong: 0, failedWithReason: 0, missed: 0, rateLimited: 0, orphans: 0 }
  expect(result).toMatchObject({ questions: 24, kills: 1, pings: 0, isQuiet: true, ...none })
  expect(Number(result.answered)).toBe(Number(result.accepted))
  expect(Number(result.answered)).toBeGreaterThanOrEqual(24)
  expect(failed).toBe(false)
})

test('refuses more kills than every second question', async () => {
  const args = ['--questions', '4', '--kills', '3']
  await expect(botFaults.run(args, () => {})).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})
