import type { ChannelType, Locale } from 'discord-api-types/v10'
import type { JsonObject } from '../json.js'

/** What the stand-in remembers. Ids are decimal strings, times milliseconds since 1970, permissions bit sets. */
export interface UserRecord {
  readonly id: string
  readonly name: string
  readonly displayName: string
  readonly bot: boolean
  readonly locale: `${Locale}`
  /** Whether the person added the app to the own account. */
  readonly installedApp: boolean
  /** Whether the app may write to this person directly. */
  readonly takesDirectMessages: boolean
}

export interface RoleRecord {
  readonly id: string
  readonly name: string
  permissions: bigint
  readonly position: number
  readonly mentionable: boolean
  /** Whether it is an app's own role. */
  readonly managed: boolean
}

export interface OverwriteRecord {
  readonly id: string
  /** 0 for a role, 1 for a member. */
  readonly type: 0 | 1
  readonly allow: bigint
  readonly deny: bigint
}

export interface MemberRecord {
  readonly userId: string
  roles: string[]
  readonly nick: string | null
  readonly joinedAtMs: number
  timedOutUntilMs: number
}

export interface GuildRecord {
  readonly id: string
  readonly name: string
  readonly ownerId: string
  readonly locale: `${Locale}`
  readonly roles: Map<string, RoleRecord>
  readonly members: Map<string, MemberRecord>
}

interface ThreadRecord {
  readonly ownerId: string
  readonly createdAtMs: number
  readonly autoArchiveMinutes: number
  readonly members: Set<string>
  archived: boolean
  locked: boolean
}

export interface ChannelRecord {
  readonly id: string
  readonly type: ChannelType
  readonly guildId: string | undefined
  readonly parentId: string | undefined
  name: string
  readonly position: number
  readonly ageRestricted: boolean
  overwrites: OverwriteRecord[]
  /** People of a direct message; empty in a guild. */
  readonly recipients: readonly string[]
  readonly thread: ThreadRecord | undefined
  lastMessageId: string | null
}

export interface AttachmentRecord {
  readonly id: string
  readonly filename: string
  readonly contentType: string
  readonly bytes: Uint8Array
  readonly description: string | undefined
  readonly spoiler: boolean
}

/** Who a message notifies. */
export interface Pings {
  readonly everyone: boolean
  readonly users: readonly string[]
  readonly roles: readonly string[]
}

export interface MessageReferenceRecord {
  readonly messageId: string
  readonly channelId: string
  readonly guildId: string | undefined
}

/** What of an interaction stays with the messages that answer it. */
export interface MessageInteractionRecord {
  readonly id: string
  readonly type: number
  readonly name: string | undefined
  readonly userId: string
  readonly owners: JsonObject
  readonly targetMessageId: string | undefined
  readonly originalMessageId: string | undefined
}

export interface MessageRecord {
  readonly id: string
  readonly channelId: string
  readonly authorId: string
  readonly type: number
  readonly createdAtMs: number
  readonly nonce: string | number | undefined
  readonly reference: MessageReferenceRecord | undefined
  readonly interaction: MessageInteractionRecord | undefined
  /** Set where only this person sees the message. */
  readonly ephemeralFor: string | undefined
  content: string
  embeds: JsonObject[]
  components: JsonObject[]
  attachments: AttachmentRecord[]
  flags: number
  editedAtMs: number | undefined
  /** Every text it had, the first one first. */
  readonly history: { readonly atMs: number; readonly content: string }[]
  threadId: string | undefined
  /** What the text names, whether it notifies or not. */
  mentions: Pings
  pings: Pings
  deleted: boolean
}
