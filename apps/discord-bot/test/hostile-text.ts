import fc from 'fast-check'

/** Longest answer of a model that is tried. */
const MOST_CHARACTERS = 100_000

/** What could ping, if it were not made harmless. */
export interface Targets {
  readonly userIds: readonly string[]
  readonly roleIds: readonly string[]
  readonly channelIds: readonly string[]
}

/** Answers of a model that wants to do more than to say something. */
export function hostileText({ userIds, roleIds, channelIds }: Targets): fc.Arbitrary<string> {
  const id = fc.constantFrom(...userIds, ...roleIds, ...channelIds, '123456789012345678')
  const word = fc.constantFrom(
    'The',
    'red',
    'square',
    'moves',
    'left.',
    'Then',
    'it',
    'stops!',
    'Ünïcödé',
    '红色',
  )
  const mention = fc.oneof(
    fc.constantFrom('@everyone', '@here', '@@everyone', '@\u200beveryone', '@\u202eenoyreve', '<@everyone>'),
    fc.tuple(fc.constantFrom('<@', '<@!', '<@&', '<#', '<id:'), id).map(([open, it]) => `${open}${it}>`),
    id.map((it) => `</ask:${it}>`),
    id.map((it) => `</ask sub:${it}> <a:wave:${it}> <t:${it}:R>`),
  )
  const link = fc.constantFrom(
    'https://discord.gg/abcdef',
    'discord.gg/abcdef',
    'DISCORD.com/invite/abcdef',
    'https://dsc.gg/abc',
    '[click](https://evil.example/login)',
    '[https://bank.example](https://evil.example "bank")',
    '[click](<https://evil.example>)',
    '[a\\](b](https://evil.example)',
    '<https://evil.example>',
    'hTTps://evil.example/@everyone',
    'https://evil.example/<@1>',
    '[nested [x](https://evil.example)](https://evil.example)',
    'steam://run/1',
    'mailto:a@b.example',
  )
  const markdown = fc.constantFrom(
    '# Title\n',
    '\n### Small title\n',
    '\n-# fine print\n',
    '\n> quote\n',
    '\n>>> all of it\n',
    '\n- item\n',
    '\n1. one\n',
    '||spoiler||',
    '**bold**',
    '__under__',
    '*it*_it_',
    '~~gone~~',
    '`code`',
    '``co`de``',
    '```\nblock\n```',
    '```ansi\n\u001b[31mred\u001b[0m\n```',
    '```',
    '`',
    '\\',
    '\\\\',
    '\\`',
    '\n\n\n\n\n\n',
  )
  const invisible = fc.constantFrom(
    '\u202e',
    '\u2066\u2067',
    '\u200b',
    '\u200d\u200d',
    '\ufeff',
    '\u00ad',
    '\u{e0041}\u{e0042}',
    '\ufe0f\ufe0f\ufe0f',
    '\u3164',
    '\u2028',
    '\u0000\u0007\u001b[2J',
    '\r',
    '\ud800',
    '\udc00',
    '\ud83d',
  )
  const letter = fc.constantFrom('a', 'e', 'z', 'Z')
  const zalgo = fc
    .tuple(letter, fc.integer({ min: 5, max: 400 }))
    .map(([it, marks]) => it + '\u0300\u0336\u20dd'.repeat(marks))
  const emoji = fc.constantFrom('😀', '👩\u200d💻', '🏴\u{e0067}\u{e007f}', '👍🏽', '❤\ufe0f', ':smile:')
  const piece = fc.oneof(
    { arbitrary: word, weight: 6 },
    { arbitrary: fc.constantFrom(' ', '\n', '. ', '@', '<', '>', ':', '/'), weight: 5 },
    ...[mention, link, markdown, invisible, zalgo, emoji].map((arbitrary) => ({ arbitrary, weight: 2 })),
  )
  const mixed = fc.array(piece, { minLength: 1, maxLength: 60 }).map((pieces) => pieces.join(''))
  const flood = (least: number, most: number) =>
    fc.tuple(piece, piece, fc.integer({ min: least, max: most })).map(([one, other, length]) => {
      const unit = `${one}${other}`
      return unit.repeat(Math.ceil(length / unit.length)).slice(0, length)
    })
  return fc
    .oneof(
      { arbitrary: mixed, weight: 12 },
      { arbitrary: fc.tuple(mixed, flood(500, 6000)).map(([one, other]) => one + other), weight: 4 },
      { arbitrary: flood(10_000, 50_000), weight: 1 },
      { arbitrary: flood(MOST_CHARACTERS, MOST_CHARACTERS), weight: 1 },
      { arbitrary: fc.string({ unit: 'binary', maxLength: 3000 }), weight: 1 },
    )
    .map((text) => text.slice(0, MOST_CHARACTERS))
}
