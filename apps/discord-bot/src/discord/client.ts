import { Client, GatewayIntentBits, Options, Partials } from 'discord.js'
import type { DiscordConfig } from '../config/config.js'

const VERSION = '10'
/** Servers that Discord cannot reach just now must not keep the others waiting. */
const GUILDS_MS = 2000
const REQUEST_MS = 15_000

/** People and members that are remembered beside the bot itself; nothing of them is needed after an event. */
const MOST_PEOPLE = 200

/** A client that keeps in memory what permissions follow from, and nothing that grows with what people write. */
export function makeClient({ api, readsContent }: DiscordConfig): Client {
  return new Client({
    intents: [
      GatewayIntentBits.Guilds,
      GatewayIntentBits.GuildMessages,
      GatewayIntentBits.DirectMessages,
      ...(readsContent ? [GatewayIntentBits.MessageContent] : []),
    ],
    // Events about messages and direct channels come without them being remembered.
    partials: [Partials.Channel, Partials.Message],
    allowedMentions: { parse: [], repliedUser: false },
    shards: 'auto',
    waitGuildTimeout: GUILDS_MS,
    rest: { api, version: VERSION, timeout: REQUEST_MS },
    makeCache: Options.cacheWithLimits({
      ...Options.DefaultMakeCacheSettings,
      ApplicationCommandManager: 0,
      AutoModerationRuleManager: 0,
      DMMessageManager: 0,
      GuildBanManager: 0,
      GuildEmojiManager: 0,
      GuildInviteManager: 0,
      GuildMemberManager: {
        maxSize: MOST_PEOPLE,
        keepOverLimit: (member) => member.id === member.client.user.id,
      },
      GuildMessageManager: 0,
      GuildScheduledEventManager: 0,
      GuildStickerManager: 0,
      MessageManager: 0,
      PresenceManager: 0,
      ReactionManager: 0,
      ReactionUserManager: 0,
      StageInstanceManager: 0,
      ThreadMemberManager: 0,
      UserManager: { maxSize: MOST_PEOPLE, keepOverLimit: (user) => user.id === user.client.user.id },
      VoiceStateManager: 0,
    }),
  })
}
