export const long = (length: number) => 'x'.repeat(length)
export const button = (changes: object = {}) => ({
  type: 2,
  style: 1,
  label: 'Go',
  custom_id: 'go',
  ...changes,
})
export const rows = (...components: object[]) => [{ type: 1, components }]
export const select = (changes: object = {}) => ({
  type: 3,
  custom_id: 'pick',
  options: [{ label: 'a', value: 'a' }],
  ...changes,
})
const embed = (changes: object) => ({ content: 'hi', embeds: [changes] })
const components = (...list: object[]) => ({ content: 'hi', components: rows(...list) })

/** Each refused by Discord, with the field that it blames. */
export const REFUSED_PAYLOADS: readonly (readonly [
  name: string,
  body: object,
  field: string,
  code: string,
])[] = [
  ['content beyond 2000', { content: long(2001) }, 'content', 'BASE_TYPE_MAX_LENGTH'],
  ['content that is no text', { content: { a: 1 } }, 'content', 'STRING_TYPE_CONVERT'],
  ['11 embeds', { embeds: Array(11).fill({ title: 'a' }) }, 'embeds', 'BASE_TYPE_MAX_LENGTH'],
  [
    'embeds of 6001 together',
    { embeds: [{ description: long(4000) }, { description: long(2001) }] },
    'embeds',
    'MAX_EMBED_SIZE_EXCEEDED',
  ],
  ['an empty embed', embed({}), 'embeds.0.description', 'BASE_TYPE_REQUIRED'],
  ['an embed title beyond 256', embed({ title: long(257) }), 'embeds.0.title', 'BASE_TYPE_MAX_LENGTH'],
  [
    'a description beyond 4096',
    embed({ description: long(4097) }),
    'embeds.0.description',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    '26 fields',
    embed({ fields: Array(26).fill({ name: 'a', value: 'b' }) }),
    'embeds.0.fields',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'a field name beyond 256',
    embed({ fields: [{ name: long(257), value: 'b' }] }),
    'embeds.0.fields.0.name',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'a field value beyond 1024',
    embed({ fields: [{ name: 'a', value: long(1025) }] }),
    'embeds.0.fields.0.value',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'a field without a value',
    embed({ fields: [{ name: 'a', value: ' ' }] }),
    'embeds.0.fields.0.value',
    'BASE_TYPE_REQUIRED',
  ],
  [
    'a footer beyond 2048',
    embed({ footer: { text: long(2049) } }),
    'embeds.0.footer.text',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'an author beyond 256',
    embed({ author: { name: long(257) } }),
    'embeds.0.author.name',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'a link of another scheme',
    embed({ title: 'a', url: 'ftp://x.example' }),
    'embeds.0.url',
    'URL_TYPE_INVALID_SCHEME',
  ],
  ['a link that is none', embed({ title: 'a', url: 'nonsense' }), 'embeds.0.url', 'URL_TYPE_INVALID_URL'],
  ['a colour out of range', embed({ title: 'a', color: 0x1000000 }), 'embeds.0.color', 'NUMBER_TYPE_MAX'],
  [
    'a time that is none',
    embed({ title: 'a', timestamp: 'soon' }),
    'embeds.0.timestamp',
    'DATE_TIME_TYPE_PARSE',
  ],
  [
    'a picture that is not there',
    embed({ image: { url: 'attachment://a.png' } }),
    'embeds.0.image.url',
    'EMBED_ATTACHMENT_NOT_FOUND',
  ],
  [
    'six rows',
    {
      content: 'hi',
      components: Array.from({ length: 6 }, (_, i) => rows(button({ custom_id: `b${i}` }))[0]),
    },
    'components',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'six buttons',
    components(...Array.from({ length: 6 }, (_, i) => button({ custom_id: `b${i}` }))),
    'components.0.components',
    'BASE_TYPE_BAD_LENGTH',
  ],
  ['an empty row', components(), 'components.0.components', 'BASE_TYPE_BAD_LENGTH'],
  [
    'a button outside a row',
    { content: 'hi', components: [button()] },
    'components.0.type',
    'BASE_TYPE_CHOICES',
  ],
  [
    'a custom id beyond 100',
    components(button({ custom_id: long(101) })),
    'components.0.components.0.custom_id',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'a button without custom id',
    components(button({ custom_id: undefined })),
    'components.0.components.0.custom_id',
    'BASE_TYPE_REQUIRED',
  ],
  [
    'one custom id twice',
    components(button(), button()),
    'components.0.components.1.custom_id',
    'COMPONENT_CUSTOM_ID_DUPLICATED',
  ],
  [
    'a label beyond 80',
    components(button({ label: long(81) })),
    'components.0.components.0.label',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'a button that shows nothing',
    components(button({ label: undefined })),
    'components.0.components.0',
    'BUTTON_COMPONENT_EMPTY',
  ],
  [
    'a link button with a custom id',
    components(button({ style: 5, url: 'https://x.example' })),
    'components.0.components.0',
    'BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE',
  ],
  [
    'a link button without a link',
    components(button({ style: 5, custom_id: undefined })),
    'components.0.components.0.url',
    'BASE_TYPE_REQUIRED',
  ],
  [
    'a button style that is none',
    components(button({ style: 9 })),
    'components.0.components.0.style',
    'BASE_TYPE_CHOICES',
  ],
  [
    'a select beside a button',
    components(select(), button()),
    'components.0.components',
    'COMPONENT_LAYOUT_WIDTH_EXCEEDED',
  ],
  [
    '26 options',
    components(select({ options: Array.from({ length: 26 }, (_, i) => ({ label: 'a', value: `${i}` })) })),
    'components.0.components.0.options',
    'BASE_TYPE_BAD_LENGTH',
  ],
  [
    'an option label beyond 100',
    components(select({ options: [{ label: long(101), value: 'a' }] })),
    'components.0.components.0.options.0.label',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'an option value twice',
    components(
      select({
        options: [
          { label: 'a', value: 'a' },
          { label: 'b', value: 'a' },
        ],
      }),
    ),
    'components.0.components.0.options.1.value',
    'SELECT_COMPONENT_OPTION_VALUE_DUPLICATED',
  ],
  [
    'more picks than options',
    components(select({ max_values: 2 })),
    'components.0.components.0.max_values',
    'NUMBER_TYPE_MAX',
  ],
  [
    'a placeholder beyond 150',
    components(select({ placeholder: long(151) })),
    'components.0.components.0.placeholder',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'a text input in a message',
    components({ type: 4, custom_id: 'a', style: 1 }),
    'components.0.components.0.type',
    'BASE_TYPE_CHOICES',
  ],
  [
    'users allowed as a whole and by id',
    { content: 'hi', allowed_mentions: { parse: ['users'], users: ['123456789012345678'] } },
    'allowed_mentions',
    'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE',
  ],
  [
    'a kind of mention that is none',
    { content: 'hi', allowed_mentions: { parse: ['here'] } },
    'allowed_mentions.parse.0',
    'BASE_TYPE_CHOICES',
  ],
  [
    '101 allowed users',
    { content: 'hi', allowed_mentions: { users: Array(101).fill('1') } },
    'allowed_mentions.users',
    'BASE_TYPE_MAX_LENGTH',
  ],
  ['a nonce beyond 25', { content: 'hi', nonce: long(26) }, 'nonce', 'BASE_TYPE_MAX_LENGTH'],
  [
    'a reply to no message',
    { content: 'hi', message_reference: { message_id: '1' } },
    'message_reference',
    'MESSAGE_REFERENCE_UNKNOWN_MESSAGE',
  ],
  ['layout components', { flags: 1 << 15, components: [] }, 'flags', 'STAND_IN_UNSUPPORTED'],
  [
    'a description of a file that is not there',
    { content: 'hi', attachments: [{ id: '3' }] },
    'attachments.0.id',
    'MESSAGE_ATTACHMENT_NOT_FOUND',
  ],
]
