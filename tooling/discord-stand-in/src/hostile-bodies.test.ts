import { expect, test } from 'vitest'
import type { Discord } from './index.js'
import { COMMANDS, startClub } from './testing/club.js'
import { call } from './testing/raw.js'
import { COMMAND, MESSAGE, MODAL, placesIn, replaced } from './testing/whole-bodies.js'

/** No bucket takes fewer. */
const AT_ONCE = 5

/** Of no use where anything else is expected. */
const WRONG = [null, {}, [null], 'x y', -1]

const BODIES = [
  MESSAGE,
  { type: 4, data: MESSAGE },
  MODAL,
  COMMAND,
  [COMMAND],
  { name: 'a', auto_archive_duration: 60 },
]

function routeOf(discord: Discord, whole: unknown): readonly [method: string, path: string] {
  const channel = `/channels/${discord.channel('talks').id}/messages`
  const commands = `/applications/${discord.applicationId}/commands`
  if (whole === COMMAND) return ['POST', commands]
  if (Array.isArray(whole)) return ['PUT', commands]
  if (whole === MESSAGE) return ['POST', channel]
  if (whole === BODIES.at(-1))
    return ['POST', `${channel}/${discord.user('ada').send('talks', 'x').id}/threads`]
  const { record } = discord.user('ada').menu('Ask about this video', discord.user('ada').send('news', 'x'))
  return ['POST', `/interactions/${record.id}/${record.token}/callback`]
}

test('the whole bodies are taken as they are', async () => {
  const discord = await startClub()
  await call(discord, 'PUT', `/applications/${discord.applicationId}/commands`, COMMANDS)
  for (const whole of BODIES) {
    const [method, path] = routeOf(discord, whole)
    const { attachments: _, ...message } = MESSAGE
    // The file that the message describes is not sent along here.
    const body = whole === MESSAGE ? message : whole === BODIES[1] ? { type: 4, data: message } : whole
    const answer = await call(discord, method, path, body)
    expect(answer.body?.errors, path).toBeUndefined()
    expect(answer.status, path).toBeLessThan(300)
    await call(discord, 'PUT', `/applications/${discord.applicationId}/commands`, COMMANDS)
  }
})

test.each(BODIES)('wrong values in any place of body %# are refused with a code, or taken', async (whole) => {
  const discord = await startClub()
  await call(discord, 'PUT', `/applications/${discord.applicationId}/commands`, COMMANDS)
  const bodies = placesIn(whole).flatMap((place) => WRONG.map((wrong) => replaced(whole, place, wrong)))
  const statuses: number[] = []
  for (let first = 0; first < bodies.length; first += AT_ONCE) {
    const answers = bodies.slice(first, first + AT_ONCE).map((body) => {
      const [method, path] = routeOf(discord, whole)
      return call(discord, method, path, body)
    })
    for (const { status, body } of await Promise.all(answers)) {
      if (status >= 400) expect(body).toMatchObject({ code: expect.any(Number), message: expect.any(String) })
      statuses.push(status)
    }
    // Every limit starts anew.
    discord.clock.advance(10_000)
  }
  expect(statuses).toContain(400)
  expect(statuses.filter((status) => status >= 500 || status === 429)).toEqual([])
})

test('a key named __proto__ stays a key', async () => {
  const discord = await startClub()
  const text = JSON.stringify({ ...COMMANDS[0], name_localizations: 0 }).replace(
    /:0([,}])/,
    ':{"__proto__":"A"}$1',
  )
  const response = await fetch(`${discord.rest.api}/v10/applications/${discord.applicationId}/commands`, {
    method: 'POST',
    body: text,
    headers: { authorization: `Bot ${discord.token}`, 'content-type': 'application/json' },
  })
  expect(await response.text()).toContain('"__proto__":{"_errors"')
  expect({}).not.toHaveProperty('_errors')
})
