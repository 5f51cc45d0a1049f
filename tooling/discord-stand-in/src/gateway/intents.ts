import { GatewayIntentBits as Bits } from 'discord-api-types/v10'

/** Every bit that Discord knows. https://docs.discord.com/developers/events/gateway#list-of-intents */
const KNOWN = Object.values(Bits)
  .filter((bit): bit is Bits => typeof bit === 'number')
  .reduce((bits, bit) => bits | bit, 0)

const PRIVILEGED = Bits.GuildMembers | Bits.GuildPresences | Bits.MessageContent

/** Intent that an event in a guild needs, then the one in direct messages; 0 where none is needed. */
const NEEDED: readonly (readonly [RegExp, number, number])[] = [
  [/^(GUILD_(CREATE|UPDATE|DELETE)|GUILD_ROLE_|CHANNEL_|THREAD_)/, Bits.Guilds, 0],
  [/^GUILD_MEMBER_/, Bits.GuildMembers, 0],
  [/^MESSAGE_REACTION_/, Bits.GuildMessageReactions, Bits.DirectMessageReactions],
  [/^MESSAGE_/, Bits.GuildMessages, Bits.DirectMessages],
  [/^TYPING_START$/, Bits.GuildMessageTyping, Bits.DirectMessageTyping],
  [/^PRESENCE_UPDATE$/, Bits.GuildPresences, 0],
]

/** Whether a session with these intents hears of an event. */
export function hears(intents: number, eventName: string, inGuild: boolean): boolean {
  const rule = NEEDED.find(([pattern]) => pattern.test(eventName))
  if (rule === undefined) return true
  const needed = inGuild ? rule[1] : rule[2]
  return needed === 0 || (intents & needed) !== 0
}

export function areKnown(intents: unknown): intents is number {
  return typeof intents === 'number' && Number.isInteger(intents) && intents >= 0 && (intents & ~KNOWN) === 0
}

/** Whether the portal has switched on every privileged intent that is asked for. */
export function areEnabled(intents: number, enabled: number): boolean {
  return (intents & PRIVILEGED & ~enabled) === 0
}

/** Whether messages reach the session with their text. */
export function readsContent(intents: number): boolean {
  return (intents & Bits.MessageContent) !== 0
}
