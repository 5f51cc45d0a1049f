import { ChannelType, PermissionFlagsBits } from 'discord-api-types/v10'
import { Form } from '../checks/form.js'
import { channelEvent } from '../gateway/gateway.js'
import type { Platform } from '../platform.js'
import { refusals } from '../rest/api-error.js'
import { type Call, NO_CONTENT, ok, param, type Reply, type Route } from '../rest/route.js'
import type { ChannelRecord } from '../world/records.js'
import { renderChannel } from '../world/render.js'
import { publicMessage, requirePermissions, visibleChannel } from './access.js'
import { LIMITS } from './limits.js'

const NAME_LENGTH = 100
const ARCHIVE_MINUTES = [60, 1440, 4320, 10080] as const

/** https://docs.discord.com/developers/topics/threads */
export function threadRoutes(platform: Platform): Route[] {
  const route = (method: Route['method'], path: string, handle: Route['handle']): Route => ({
    method,
    path,
    auth: 'bot',
    limit: LIMITS.default,
    handle,
  })
  return [
    route('POST', '/channels/:channel/messages/:message/threads', (call) => startFrom(platform, call)),
    route('POST', '/channels/:channel/threads', (call) => start(platform, call)),
    route('PUT', '/channels/:channel/thread-members/@me', (call) => join(platform, call)),
    route('PATCH', '/channels/:channel', (call) => change(platform, call)),
  ]
}

/** The thread takes its message's id. https://docs.discord.com/developers/resources/channel#start-thread-from-message */
function startFrom(platform: Platform, call: Call): Reply {
  const channel = visibleChannel(platform, param(call, 'channel'))
  const message = publicMessage(platform, channel, param(call, 'message'))
  const textual = channel.type === ChannelType.GuildText || channel.type === ChannelType.GuildAnnouncement
  if (!textual) throw refusals.wrongChannelType()
  requirePermissions(platform, channel, PermissionFlagsBits.CreatePublicThreads)
  const options = checkThread(call)
  if (message.threadId !== undefined) throw refusals.threadExists()
  const thread = openThread(platform, channel, { ...options, id: message.id, ownerId: platform.world.botId })
  message.threadId = thread.id
  return { status: 201, body: renderChannel(thread, platform.world) }
}

function start(platform: Platform, call: Call): Reply {
  const channel = visibleChannel(platform, param(call, 'channel'))
  if (channel.type !== ChannelType.GuildText) throw refusals.wrongChannelType()
  requirePermissions(platform, channel, PermissionFlagsBits.CreatePublicThreads)
  const options = checkThread(call)
  const thread = openThread(platform, channel, {
    ...options,
    id: platform.ids.next(),
    ownerId: platform.world.botId,
  })
  return { status: 201, body: renderChannel(thread, platform.world) }
}

interface ThreadOptions {
  readonly name: string
  readonly archiveMinutes: number
}

function checkThread(call: Call): ThreadOptions {
  const form = Form.of(call.body)
  form.object({ required: true })
  const name = form.field('name').text({ required: true, min: 1, max: NAME_LENGTH })
  const archiveMinutes = form.field('auto_archive_duration').choice(ARCHIVE_MINUTES) ?? 4320
  form.field('type').choice([ChannelType.AnnouncementThread, ChannelType.PublicThread])
  form.finish()
  return { name: name ?? '', archiveMinutes }
}

/** Opens a public thread with its owner in it and tells the bot. */
export function openThread(
  platform: Platform,
  parent: ChannelRecord,
  options: ThreadOptions & { readonly id: string; readonly ownerId: string },
): ChannelRecord {
  const { world, clock } = platform
  const news = parent.type === ChannelType.GuildAnnouncement
  const thread: ChannelRecord = {
    id: options.id,
    type: news ? ChannelType.AnnouncementThread : ChannelType.PublicThread,
    guildId: parent.guildId,
    parentId: parent.id,
    name: options.name,
    position: 0,
    ageRestricted: parent.ageRestricted,
    overwrites: [],
    recipients: [],
    lastMessageId: null,
    thread: {
      ownerId: options.ownerId,
      createdAtMs: clock.now(),
      autoArchiveMinutes: options.archiveMinutes,
      members: new Set([options.ownerId]),
      archived: false,
      locked: false,
    },
  }
  world.channels.set(thread.id, thread)
  const event = channelEvent('THREAD_CREATE', thread.id, world)
  platform.dispatch({ ...event, data: { ...event.data, newly_created: true } })
  return thread
}

/** A message in an archived thread opens it again. https://docs.discord.com/developers/topics/threads */
export function wakeThread(platform: Platform, channel: ChannelRecord): void {
  if (channel.thread?.archived !== true) return
  channel.thread.archived = false
  platform.dispatch(channelEvent('THREAD_UPDATE', channel.id, platform.world))
}

function join(platform: Platform, call: Call): Reply {
  const channel = visibleChannel(platform, param(call, 'channel'))
  if (channel.thread === undefined) throw refusals.wrongChannelType()
  channel.thread.members.add(platform.world.botId)
  return NO_CONTENT
}

/** Name and archive of a thread that the bot owns or manages. */
function change(platform: Platform, call: Call): Reply {
  const channel = visibleChannel(platform, param(call, 'channel'))
  const { thread } = channel
  if (thread === undefined) throw refusals.wrongChannelType()
  if (thread.ownerId !== platform.world.botId) {
    requirePermissions(platform, channel, PermissionFlagsBits.ManageThreads)
  }
  const form = Form.of(call.body)
  const name = form.field('name').text({ min: 1, max: NAME_LENGTH })
  const archived = form.field('archived').boolean()
  const locked = form.field('locked').boolean()
  form.finish()
  channel.name = name ?? channel.name
  thread.archived = archived ?? thread.archived
  thread.locked = locked ?? thread.locked
  platform.dispatch(channelEvent('THREAD_UPDATE', channel.id, platform.world))
  return ok(renderChannel(channel, platform.world))
}
