import { setTimeout as pause } from 'node:timers/promises'
import { Client, GatewayIntentBits, Options, Partials, Status } from 'discord.js'
import type { DiscordConfig } from '../config/config.js'

const VERSION = '10'
/** Servers that Discord cannot reach just now must not keep the others waiting. */
const GUILDS_MS = 2000
const REQUEST_MS = 15_000
/** Until a connection that is being made is there. */
const CONNECTING_MS = 5000
const LOOK_MS = 20
const AT_REST: ReadonlySet<Status> = new Set([Status.Ready, Status.Disconnected, Status.Idle])

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

/** Ends all connections. One that is being made would not end, and stay when it is there: so it is waited for. */
export async function disconnect(client: Client): Promise<void> {
  const isConnecting = (): boolean => client.ws.shards.some(({ status }) => !AT_REST.has(status))
  const lastMs = performance.now() + CONNECTING_MS
  while (isConnecting() && performance.now() < lastMs) await pause(LOOK_MS)
  await client.destroy()
}
