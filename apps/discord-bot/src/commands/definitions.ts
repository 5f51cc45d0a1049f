import {
  type APIApplicationCommandBasicOption,
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  ChannelType,
  InteractionContextType,
  PermissionFlagsBits,
  type RESTPostAPIApplicationCommandsJSONBody,
  type RESTPostAPIChatInputApplicationCommandsJSONBody,
} from 'discord.js'
import { DESCRIPTIONS, NAMES } from './localized.js'

/** Characters of a question. */
export const QUESTION_CHARACTERS = 1000
export const MENU_NAME = 'Ask about this video'

/** Wherever Discord has commands, for servers and for people who install the bot for themselves. */
const EVERYWHERE = {
  integration_types: [ApplicationIntegrationType.GuildInstall, ApplicationIntegrationType.UserInstall],
  contexts: [
    InteractionContextType.Guild,
    InteractionContextType.BotDM,
    InteractionContextType.PrivateChannel,
  ],
}

const VIDEO: readonly APIApplicationCommandBasicOption[] = [
  {
    type: ApplicationCommandOptionType.String,
    name: 'video',
    description: 'Link to a video',
    max_length: 2000,
  },
  {
    type: ApplicationCommandOptionType.Attachment,
    name: 'file',
    description: 'A video file, instead of a link',
  },
  {
    type: ApplicationCommandOptionType.String,
    name: 'start',
    description: 'Where to begin, such as 1:30',
    max_length: 20,
  },
  {
    type: ApplicationCommandOptionType.String,
    name: 'end',
    description: 'Where to end, such as 2:45',
    max_length: 20,
  },
]

function chatInput(
  name: keyof typeof DESCRIPTIONS,
  description: string,
  options: RESTPostAPIChatInputApplicationCommandsJSONBody['options'] = [],
): RESTPostAPIChatInputApplicationCommandsJSONBody {
  return {
    type: ApplicationCommandType.ChatInput,
    name,
    name_localizations: NAMES[name],
    description,
    description_localizations: DESCRIPTIONS[name],
    options,
    ...EVERYWHERE,
  }
}

function subcommand(name: string, description: string, ...options: APIApplicationCommandBasicOption[]) {
  return { type: ApplicationCommandOptionType.Subcommand as const, name, description, options }
}

const SETTINGS = [
  subcommand('show', 'Show the settings of this server'),
  subcommand('frames', 'How many frames of a video are watched', {
    type: ApplicationCommandOptionType.Integer,
    name: 'count',
    description: 'Nothing: as many as the model likes',
    min_value: 1,
    max_value: 65_536,
  }),
  subcommand('model', 'Which model answers', {
    type: ApplicationCommandOptionType.String,
    name: 'name',
    description: 'Name of a model of this bot',
    required: true,
    autocomplete: true,
  }),
  subcommand('language', 'Language of my own texts', {
    type: ApplicationCommandOptionType.String,
    name: 'name',
    description: 'Nothing: that of whoever asks',
    choices: [
      { name: 'English', value: 'en' },
      { name: 'Deutsch', value: 'de' },
    ],
  }),
  subcommand('storyboard', 'Whether a contact sheet is attached to answers', {
    type: ApplicationCommandOptionType.Boolean,
    name: 'attach',
    description: 'Whether it is',
    required: true,
  }),
  subcommand('channel', 'Where I answer; in no list, everywhere', {
    type: ApplicationCommandOptionType.Channel,
    name: 'channel',
    description: 'Is put on the list, or taken off it',
    required: true,
    channel_types: [
      ChannelType.GuildText,
      ChannelType.GuildAnnouncement,
      ChannelType.GuildForum,
      ChannelType.GuildVoice,
      ChannelType.GuildStageVoice,
      ChannelType.GuildMedia,
    ],
  }),
  subcommand('role', 'Who may ask; in no list, everybody', {
    type: ApplicationCommandOptionType.Role,
    name: 'role',
    description: 'Is put on the list, or taken off it',
    required: true,
  }),
]

/** Every command of the bot, as Discord is told. */
export const COMMANDS: readonly RESTPostAPIApplicationCommandsJSONBody[] = [
  chatInput('ask', 'Ask a question about a video', [
    {
      type: ApplicationCommandOptionType.String,
      name: 'question',
      description: 'What you want to know',
      required: true,
      max_length: QUESTION_CHARACTERS,
    },
    ...VIDEO,
  ]),
  chatInput('watch', 'Prepare a video, so that questions are answered sooner', [...VIDEO]),
  chatInput('help', 'What I can do'),
  chatInput('forget', 'Delete what I keep of you'),
  {
    ...chatInput('settings', 'Who may ask here, where, and how I answer', SETTINGS),
    integration_types: [ApplicationIntegrationType.GuildInstall],
    contexts: [InteractionContextType.Guild],
    default_member_permissions: PermissionFlagsBits.ManageGuild.toString(),
  },
  {
    type: ApplicationCommandType.Message,
    name: MENU_NAME,
    name_localizations: NAMES[MENU_NAME],
    ...EVERYWHERE,
  },
]
