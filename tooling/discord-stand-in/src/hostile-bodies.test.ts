import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Discord } from './index.js'
import { COMMANDS, startClub } from './testing/club.js'
import { call } from './testing/raw.js'
import { COMMAND, MESSAGE, MODAL, placesIn, replaced } from './testing/whole-bodies.js'

const value = fc.oneof(
  { arbitrary: fc.jsonValue({ maxDepth: 2 }), weight: 2 },
  {
    arbitrary: fc.constantFrom(
      '',
      ' ',
      '0',
      'attachment://a.png',
      'ftp://a.example',
      0,
      1,
      2,
      3,
      9,
      2 ** 40,
      null,
    ),
    weight: 2,
  },
  {
    arbitrary: fc.constantFrom([null], [[]], [{}], {}, { __proto__: null, constructor: 1 }, [1, '2']),
    weight: 2,
  },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 40 }), weight: 1 },
)

const BODIES = [
  MESSAGE,
  { type: 4, data: MESSAGE },
  MODAL,
  COMMAND,
  [COMMAND],
  { name: 'a', auto_archive_duration: 60 },
]

/** A whole body with one to three of its places taken by something else. */
const broken = fc.constantFrom(...BODIES).chain((whole) =>
  fc
    .array(fc.tuple(fc.constantFrom(...placesIn(whole)), value), { minLength: 1, maxLength: 3 })
    .map((changes) => ({
      whole,
      body: changes.reduce<unknown>((body, [place, other]) => replaced(body, place, other), whole),
    })),
)

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

test('no body, however broken, breaks the stand-in or gets an answer without a code', async () => {
  const discord = await startClub()
  await fc.assert(
    fc.asyncProperty(broken, async ({ whole, body }) => {
      // An earlier body may have written over the commands.
      if (!discord.commands().some(({ type }) => type === 3)) {
        await call(discord, 'PUT', `/applications/${discord.applicationId}/commands`, COMMANDS)
      }
      const [method, path] = routeOf(discord, whole)
      const answer = await call(discord, method, path, body)
      discord.clock.advance(10_000)
      expect(answer.status).not.toBe(500)
      if (answer.status >= 400) expect(answer.body).toMatchObject({ code: expect.any(Number) })
      expect({}).not.toHaveProperty('_errors')
    }),
    { numRuns: 250 },
  )
}, 120_000)
