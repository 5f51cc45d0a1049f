import { isObject } from '../json.js'
import { COMMANDS } from './club.js'

/** A message with everything that a message can have. */
export const MESSAGE = {
  content: 'hi',
  nonce: 'n',
  enforce_nonce: false,
  flags: 4,
  tts: false,
  allowed_mentions: { parse: ['users'], roles: ['123'], replied_user: true },
  message_reference: { message_id: '123', fail_if_not_exists: false },
  attachments: [{ id: '0', filename: 'a.png', description: 'a' }],
  embeds: [
    {
      title: 'a',
      description: 'b',
      url: 'https://a.example',
      color: 1,
      timestamp: '2026-01-01T00:00:00Z',
      image: { url: 'https://a.example/a.png' },
      footer: { text: 'f', icon_url: 'https://a.example/a.png' },
      author: { name: 'g', url: 'https://a.example' },
      fields: [{ name: 'a', value: 'b', inline: true }],
    },
  ],
  components: [
    {
      type: 1,
      components: [{ type: 2, style: 1, label: 'a', custom_id: 'a', emoji: { name: 'e' }, disabled: false }],
    },
    { type: 1, components: [{ type: 2, style: 5, label: 'a', url: 'https://a.example' }] },
    {
      type: 1,
      components: [
        {
          type: 3,
          custom_id: 'b',
          placeholder: 'p',
          min_values: 1,
          max_values: 1,
          options: [{ label: 'a', value: 'a', description: 'd', default: true }],
        },
      ],
    },
  ],
}

/** The command `ask` of the tests with everything that a command can have. */
export const COMMAND = {
  ...COMMANDS[0],
  name_localizations: { de: 'frage' },
  description_localizations: { de: 'fragt' },
  default_member_permissions: '32',
  options: [
    { type: 3, name: 'a', description: 'a', required: true, min_length: 1, max_length: 9 },
    { type: 4, name: 'b', description: 'b', min_value: 1, max_value: 9, choices: [{ name: 'x', value: 1 }] },
    { type: 7, name: 'c', description: 'c', channel_types: [0] },
  ],
}

export const MODAL = {
  type: 9,
  data: {
    custom_id: 'm',
    title: 't',
    components: [
      {
        type: 18,
        label: 'l',
        description: 'd',
        component: { type: 4, custom_id: 'i', style: 1, min_length: 1, max_length: 9 },
      },
      {
        type: 1,
        components: [{ type: 4, custom_id: 'j', style: 2, label: 'l', value: 'v', placeholder: 'p' }],
      },
      { type: 18, label: 'l', component: { type: 3, custom_id: 'k', options: [{ label: 'a', value: 'a' }] } },
      { type: 18, label: 'l', component: { type: 19, custom_id: 'f', min_values: 1, max_values: 1 } },
      { type: 10, content: 'c' },
    ],
  },
}

/** Every place in a body, the whole first: `[]`, `['embeds']`, `['embeds', '0']`, … */
export function placesIn(body: unknown, place: readonly string[] = []): (readonly string[])[] {
  if (!isObject(body) && !Array.isArray(body)) return [place]
  return [place, ...Object.entries(body).flatMap(([key, part]) => placesIn(part, [...place, key]))]
}

/** The body with something else in one place. */
export function replaced(body: unknown, place: readonly string[], other: unknown): unknown {
  const [key, ...rest] = place
  if (key === undefined) return other
  if (Array.isArray(body))
    return body.map((part, index) => (String(index) === key ? replaced(part, rest, other) : part))
  if (!isObject(body)) return body
  return { ...body, [key]: replaced(body[key], rest, other) }
}
