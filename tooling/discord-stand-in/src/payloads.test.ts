import { expect, test } from 'vitest'
import { startClub } from './testing/club.js'
import { call, faultsIn } from './testing/raw.js'
import { button, long, REFUSED_PAYLOADS, rows, select } from './testing/refused-payloads.js'

test('payloads beyond the limits are refused with the field that is to blame', async () => {
  const discord = await startClub()
  const path = `/channels/${discord.channel('talks').id}/messages`
  for (const [name, body, field, code] of REFUSED_PAYLOADS) {
    const answer = await call(discord, 'POST', path, body)
    expect([name, answer.status, answer.body.code], name).toEqual([name, 400, 50035])
    expect(faultsIn(answer.body.errors), name).toEqual({ [field]: [code] })
    discord.clock.advance(5000)
  }
  expect(discord.messages()).toEqual([])
})

test('payloads at the limits are taken', async () => {
  const discord = await startClub()
  const path = `/channels/${discord.channel('talks').id}/messages`
  const full = [
    { content: long(2000) },
    { embeds: [{ title: long(256), description: long(4096), footer: { text: long(1648) } }] },
    {
      content: 'hi',
      components: Array.from({ length: 5 }, (_, row) => ({
        type: 1,
        components: Array.from({ length: 5 }, (__, i) =>
          button({ custom_id: `${row}-${i}`.padEnd(100, 'x'), label: long(80) }),
        ),
      })),
    },
    {
      content: 'hi',
      components: rows(
        select({ options: Array.from({ length: 25 }, (_, i) => ({ label: long(100), value: `${i}` })) }),
      ),
    },
  ]
  for (const body of full) expect((await call(discord, 'POST', path, body)).status).toBe(200)
  expect(discord.messages()[0]?.content.length).toBe(2000)
})

test.each([
  ['nothing at all', {}],
  ['white space', { content: ' \n\t' }],
  ['empty lists', { content: '', embeds: [], components: [] }],
])('a message of %s is refused as empty', async (_, body) => {
  const discord = await startClub()
  const answer = await call(discord, 'POST', `/channels/${discord.channel('talks').id}/messages`, body)
  expect(answer).toMatchObject({ status: 400, body: { code: 50006 } })
})

test('alt text beyond 1024 is refused', async () => {
  const discord = await startClub()
  const form = new FormData()
  form.set('files[0]', new Blob(['x']), 'board.png')
  form.set('payload_json', JSON.stringify({ attachments: [{ id: 0, description: long(1025) }] }))
  const answer = await call(discord, 'POST', `/channels/${discord.channel('talks').id}/messages`, form)
  expect(faultsIn(answer.body.errors)).toEqual({ 'attachments.0.description': ['BASE_TYPE_MAX_LENGTH'] })
})

test('several faults are reported together', async () => {
  const discord = await startClub()
  const body = { content: long(2001), embeds: [{ title: long(257) }, { fields: [{ name: 'a' }] }] }
  const answer = await call(discord, 'POST', `/channels/${discord.channel('talks').id}/messages`, body)
  expect(answer.body).toEqual({
    code: 50035,
    message: 'Invalid Form Body',
    errors: {
      content: { _errors: [{ code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 2000 or fewer in length.' }] },
      embeds: {
        0: {
          title: { _errors: [{ code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 256 or fewer in length.' }] },
        },
        1: {
          fields: {
            0: { value: { _errors: [{ code: 'BASE_TYPE_REQUIRED', message: 'This field is required' }] } },
          },
        },
      },
    },
  })
})
