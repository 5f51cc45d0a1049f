import {
  type AutocompleteInteraction,
  type ChatInputCommandInteraction,
  MessageFlags,
  PermissionFlagsBits,
} from 'discord.js'
import { NO_MENTIONS } from '../discord/draft.js'
import type { GuildSettings } from '../store/settings.js'
import { safeLine } from '../text/safe-text.js'
import { LANGUAGES, type Texts } from '../texts/texts.js'
import { type IntakeKit, languageFor } from './intake-kit.js'
import { RefusedError } from './refused-error.js'

/** Proposals that Discord shows at once, and characters of one. */
const MOST_CHOICES = 25
const CHOICE_CHARACTERS = 100
/** Channels or roles of a list. */
const MOST_LISTED = 50

/** `/settings`: shows or changes what holds in a server. */
export async function changeSettings(
  kit: IntakeKit,
  interaction: ChatInputCommandInteraction,
): Promise<void> {
  const { guild, memberPermissions, options } = interaction
  if (guild === null || memberPermissions?.has(PermissionFlagsBits.ManageGuild) !== true)
    throw new RefusedError('manageServer')
  const before = kit.store.settings.get(guild.id)
  const name = options.getSubcommand()
  const after = name === 'show' ? before : { ...before, ...changed(kit, name, before, options) }
  if (name !== 'show') kit.store.settings.set(guild.id, after)
  const texts = LANGUAGES[languageFor(after, interaction.locale)]
  const saved = name === 'show' ? [] : [texts.settings.saved]
  await interaction.reply({
    content: [...saved, describe(kit, after, texts)].join('\n'),
    flags: MessageFlags.Ephemeral,
    allowedMentions: NO_MENTIONS,
  })
}

/** Models of the bot whose names begin like what was typed. */
export async function proposeModels(kit: IntakeKit, interaction: AutocompleteInteraction): Promise<void> {
  const typed = interaction.options.getFocused().toLowerCase()
  const names = kit.models.filter(
    (name) => name.length <= CHOICE_CHARACTERS && name.toLowerCase().includes(typed),
  )
  await interaction.respond(names.slice(0, MOST_CHOICES).map((name) => ({ name, value: name })))
}

function changed(
  { models, limits }: IntakeKit,
  name: string,
  { channels, roles }: GuildSettings,
  options: ChatInputCommandInteraction['options'],
): Partial<GuildSettings> {
  if (name === 'frames') {
    const count = options.getInteger('count')
    if (count !== null && count > limits.maxFrames) throw new RefusedError('mostFrames', limits.maxFrames)
    return { frames: count }
  }
  if (name === 'model') {
    const model = options.getString('name', true)
    if (!models.includes(model)) throw new RefusedError('model', models.join(', '))
    return { model }
  }
  if (name === 'language') {
    const language = options.getString('name')
    return { language: language === 'en' || language === 'de' ? language : null }
  }
  if (name === 'storyboard') return { storyboard: options.getBoolean('attach', true) }
  if (name === 'channel') return { channels: toggled(channels, options.getChannel('channel', true).id) }
  return { roles: toggled(roles, options.getRole('role', true).id) }
}

function toggled(list: readonly string[], id: string): string[] {
  return list.includes(id) ? list.filter((it) => it !== id) : [...list, id].slice(-MOST_LISTED)
}

function describe({ models }: IntakeKit, settings: GuildSettings, texts: Texts): string {
  const { names, title, everywhere, everybody, byModel, yes, no } = texts.settings
  const { frames, model, language, storyboard, channels, roles } = settings
  const rows: readonly (readonly [string, string])[] = [
    [names.frames, frames === null ? byModel : String(frames)],
    [names.model, safeLine(model ?? models[0] ?? '', CHOICE_CHARACTERS)],
    [names.language, language ?? 'auto'],
    [names.storyboard, storyboard ? yes : no],
    [names.channels, channels.length === 0 ? everywhere : channels.map((id) => `<#${id}>`).join(' ')],
    [names.roles, roles.length === 0 ? everybody : roles.map((id) => `<@&${id}>`).join(' ')],
  ]
  return [`**${title}**`, ...rows.map(([name, value]) => `${name}: ${value}`)].join('\n').slice(0, 2000)
}
