import {
  ActionRowBuilder,
  ButtonBuilder,
  ButtonStyle,
  LabelBuilder,
  MessageFlags,
  ModalBuilder,
  TextInputBuilder,
  TextInputStyle,
} from 'discord.js'
import { expect, test } from 'vitest'
import { asked, startAsking } from './testing/asking.js'
import { COMMANDS, startClub } from './testing/club.js'
import { call, faultsIn } from './testing/raw.js'

test('files, people and ranges come through a command as its options say', async () => {
  const seen: unknown[] = []
  const { discord } = await asked(async (interaction) => {
    const { options } = interaction
    seen.push(options.getSubcommand(), options.getUser('who')?.username, options.getInteger('frames'))
    const video = options.getAttachment('video')
    seen.push(video?.contentType, await (await fetch(String(video?.url))).text())
    await interaction.reply('ok')
  })
  const options = [
    { type: 6, name: 'who', description: 'who', required: true },
    { type: 11, name: 'video', description: 'video' },
    { type: 4, name: 'frames', description: 'frames', min_value: 1, max_value: 64 },
  ]
  const command = {
    name: 'watch',
    description: 'Watches',
    options: [{ type: 1, name: 'now', description: 'Now', options }],
  }
  await call(discord, 'POST', `/applications/${discord.applicationId}/commands`, command)
  const ada = discord.user('ada')
  const place = { channel: 'talks' }
  expect(() => ada.slash('watch now', {}, place)).toThrow(/needs the option who/)
  expect(() => ada.slash('watch now', { who: 'mod', frames: 65 }, place)).toThrow(/does not take 65/)
  expect(() => ada.slash('watch later', {}, place)).toThrow(/No subcommand later/)
  const video = { name: 'a talk.mp4', bytes: new TextEncoder().encode('film') }
  await ada.slash('watch now', { who: 'mod', video, frames: 8 }, place).acknowledged()
  expect(seen).toEqual(['now', 'mod', 8, 'video/mp4', 'film'])
})

test('suggestions come while somebody types, 25 at most', async () => {
  const { discord, failures } = await startAsking(async (interaction) => {
    if (!interaction.isAutocomplete()) return
    const count = Number(interaction.options.getFocused())
    await interaction.respond(
      Array.from({ length: count }, (_, index) => ({ name: `v${index}`, value: `${index}` })),
    )
  })
  const option = { type: 3, name: 'link', description: 'A link', autocomplete: true }
  const command = { name: 'find', description: 'Finds', options: [option] }
  await call(discord, 'POST', `/applications/${discord.applicationId}/commands`, command)
  const type = (link: string) =>
    discord.user('ada').autocomplete('find', 'link', { link }, { channel: 'talks' })
  expect((await type('2').acknowledged()).suggestions?.map(({ name }) => name)).toEqual(['v0', 'v1'])
  const tooMany = type('26')
  await discord.until(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 50035 })
  expect(tooMany.suggestions).toBeUndefined()
})

test('a button updates its message, and another opens a form whose answer comes back', async () => {
  const { discord } = await startAsking(async (interaction) => {
    if (interaction.isChatInputCommand()) {
      const buttons = new ActionRowBuilder<ButtonBuilder>().addComponents(
        new ButtonBuilder().setCustomId('more').setLabel('More').setStyle(ButtonStyle.Primary),
        new ButtonBuilder().setCustomId('form').setLabel('Form').setStyle(ButtonStyle.Secondary),
        new ButtonBuilder().setCustomId('off').setLabel('Off').setStyle(ButtonStyle.Danger).setDisabled(true),
      )
      await interaction.reply({ content: 'choose', components: [buttons] })
    } else if (interaction.isButton() && interaction.customId === 'more') {
      await interaction.update({ content: 'more', components: [] })
    } else if (interaction.isButton()) {
      await interaction.showModal(question())
    } else if (interaction.isModalSubmit()) {
      await interaction.reply(`${interaction.fields.getTextInputValue('question')}!`)
    }
  })
  const ada = discord.user('ada')
  const ask = ada.slash('ask', {}, { channel: 'talks' })
  const reply = await discord.until(() => ask.reply)
  expect(reply.components.map(({ label, disabled }) => [label, disabled])).toEqual([
    ['More', false],
    ['Form', false],
    ['Off', true],
  ])
  expect(() => ada.press('off', reply)).toThrow(/disabled/)
  expect(() => ada.press('absent', reply)).toThrow(/no absent/)
  const form = await ada.press('Form', reply).acknowledged()
  expect(form.modal?.title).toBe('A question')
  expect(() => ada.submitModal(form, {})).toThrow(/does not take 0 characters/)
  const submitted = ada.submitModal(form, { question: 'Why' })
  expect((await discord.until(() => submitted.reply)).content).toBe('Why!')
  await ada.press('more', reply).acknowledged()
  expect(ask.reply).toMatchObject({ content: 'more', components: [] })
})

const question = () =>
  new ModalBuilder()
    .setCustomId('form')
    .setTitle('A question')
    .addLabelComponents(
      new LabelBuilder()
        .setLabel('What do you want to know?')
        .setTextInputComponent(
          new TextInputBuilder().setCustomId('question').setStyle(TextInputStyle.Paragraph).setMaxLength(200),
        ),
    )

test('a message command brings the message, even where the bot may not read texts', async () => {
  const seen: unknown[] = []
  const { discord } = await startAsking(async (interaction) => {
    if (!interaction.isMessageContextMenuCommand()) return
    seen.push(interaction.targetMessage.content, interaction.targetMessage.attachments.first()?.name)
    await interaction.reply({ content: 'seen', flags: MessageFlags.Ephemeral })
  })
  const ada = discord.user('ada')
  const message = discord.user('mod').send('talks', 'watch this', {
    attachments: [{ name: 'talk.mp4', bytes: new Uint8Array(4) }],
  })
  const used = await ada.menu('Ask about this video', message).acknowledged()
  expect(seen).toEqual(['watch this', 'talk.mp4'])
  expect(used.reply).toMatchObject({ content: 'seen', ephemeral: true })
})

/** https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-modal */
test.each<[string, object, string, string]>([
  ['a title beyond 45', { title: 'x'.repeat(46) }, 'title', 'BASE_TYPE_MAX_LENGTH'],
  ['no title', { title: undefined }, 'title', 'BASE_TYPE_REQUIRED'],
  ['no field', { components: [] }, 'components', 'BASE_TYPE_BAD_LENGTH'],
  [
    'six fields',
    { components: [1, 2, 3, 4, 5, 6].map((n) => labelled({ custom_id: `q${n}` })) },
    'components',
    'BASE_TYPE_BAD_LENGTH',
  ],
  [
    'one custom id twice',
    { components: [labelled(), labelled()] },
    'components.1.component.custom_id',
    'COMPONENT_CUSTOM_ID_DUPLICATED',
  ],
  [
    'a button',
    { components: [{ type: 1, components: [{ type: 2 }] }] },
    'components.0.components.0.type',
    'BASE_TYPE_CHOICES',
  ],
  [
    'a label beyond 45',
    { components: [{ ...labelled(), label: 'x'.repeat(46) }] },
    'components.0.label',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'a length beyond 4000',
    { components: [labelled({ max_length: 4001 })] },
    'components.0.component.max_length',
    'NUMBER_TYPE_MAX',
  ],
  [
    'a placeholder beyond 100',
    { components: [labelled({ placeholder: 'x'.repeat(101) })] },
    'components.0.component.placeholder',
    'BASE_TYPE_MAX_LENGTH',
  ],
])('a form with %s is refused', async (_, changes, field, code) => {
  const discord = await startClub()
  await call(discord, 'PUT', `/applications/${discord.applicationId}/commands`, COMMANDS)
  const { record } = discord.user('ada').slash('ask', {}, { channel: 'talks' })
  const data = { custom_id: 'form', title: 'A form', components: [labelled()], ...changes }
  const answer = await call(discord, 'POST', `/interactions/${record.id}/${record.token}/callback`, {
    type: 9,
    data,
  })
  expect(answer.body.code).toBe(50035)
  expect(Object.values(faultsIn(answer.body.errors))).toEqual([[code]])
  expect(Object.keys(faultsIn(answer.body.errors))[0]).toMatch(new RegExp(`${field.replaceAll('.', '\\.')}$`))
  expect(record.acknowledged).toBeUndefined()
})

function labelled(changes: object = {}) {
  return { type: 18, label: 'Why?', component: { type: 4, custom_id: 'q', style: 1, ...changes } }
}

test('an answer of the wrong kind is refused', async () => {
  const discord = await startClub()
  await call(discord, 'PUT', `/applications/${discord.applicationId}/commands`, COMMANDS)
  const { record } = discord.user('ada').slash('ask', {}, { channel: 'talks' })
  const answer = await call(discord, 'POST', `/interactions/${record.id}/${record.token}/callback`, {
    type: 7,
  })
  expect(faultsIn(answer.body.errors)).toEqual({ type: ['BASE_TYPE_CHOICES'] })
})

test('a select menu tells what was picked', async () => {
  const picked: string[][] = []
  const { discord } = await startAsking(async (interaction) => {
    if (interaction.isStringSelectMenu()) {
      picked.push(interaction.values)
      await interaction.deferUpdate()
      await interaction.editReply({ content: 'picked', components: [] })
    } else if (interaction.isChatInputCommand()) {
      const options = [
        { label: 'A', value: 'a' },
        { label: 'B', value: 'b' },
      ]
      const menu = { type: 3, customId: 'pick', maxValues: 2, options }
      await interaction.reply({ content: 'pick', components: [{ type: 1, components: [menu] }] })
    }
  })
  const ada = discord.user('ada')
  const ask = ada.slash('ask', {}, { channel: 'talks' })
  const reply = await discord.until(() => ask.reply)
  ada.select('pick', ['b', 'a'], reply)
  await discord.until(() => ask.reply?.content === 'picked')
  expect(picked).toEqual([['b', 'a']])
  expect(() => ada.select('pick', ['a'], reply)).toThrow(/no pick/)
})
