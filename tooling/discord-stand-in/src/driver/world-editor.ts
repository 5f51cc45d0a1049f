import { ChannelType } from 'discord-api-types/v10'
import { channelEvent } from '../gateway/gateway.js'
import type { Platform } from '../platform.js'
import { botGuild } from '../routes/access.js'
import { type ChannelOptions, channelOf, type OverwriteOptions, overwriteOf } from '../world/build-world.js'
import { renderGuildCreate } from '../world/render.js'

/** Changes what there is while a bot runs, and tells it. */
export class WorldEditor {
  readonly #platform: Platform

  constructor(platform: Platform) {
    this.#platform = platform
  }

  /** Replaces a channel's overwrites. */
  setOverwrites(channelName: string, overwrites: readonly OverwriteOptions[]): void {
    const { world } = this.#platform
    const channel = world.channel(channelName)
    const guild = world.guild(channel.guildId ?? '')
    channel.overwrites = overwrites.map((one) => overwriteOf(world, guild, one))
    this.#platform.dispatch(channelEvent('CHANNEL_UPDATE', channel.id, world))
  }

  addChannel(guildName: string, options: ChannelOptions): string {
    const { world, ids } = this.#platform
    const guild = world.guild(guildName)
    const channel = channelOf(world, guild, options, world.channelsOf(guild.id).length, ids.next())
    world.channels.set(channel.id, channel)
    this.#platform.dispatch(channelEvent('CHANNEL_CREATE', channel.id, world))
    return channel.id
  }

  deleteChannel(channelName: string): void {
    const { world } = this.#platform
    const channel = world.channel(channelName)
    const event = channelEvent(channel.thread ? 'THREAD_DELETE' : 'CHANNEL_DELETE', channel.id, world)
    for (const message of world.messagesIn(channel.id)) message.deleted = true
    world.channels.delete(channel.id)
    this.#platform.dispatch(event)
  }

  /** Archives a thread, or opens it again; a locked one takes messages of moderators alone. */
  archiveThread(threadId: string, state: { readonly archived: boolean; readonly locked?: boolean }): void {
    const { world } = this.#platform
    const { thread, type } = world.channel(threadId)
    if (thread === undefined || type === ChannelType.GuildText) return
    thread.archived = state.archived
    thread.locked = state.locked ?? thread.locked
    this.#platform.dispatch(channelEvent('THREAD_UPDATE', threadId, world))
  }

  /** Gives somebody a time-out, as moderators do. */
  timeOut(guildName: string, userName: string, milliseconds: number): void {
    const { world, clock } = this.#platform
    const member = world.guild(guildName).members.get(world.user(userName).id)
    if (member !== undefined) member.timedOutUntilMs = clock.now() + milliseconds
  }

  /** Takes the app out of a guild. */
  removeBot(guildName: string): void {
    const { world } = this.#platform
    const guild = botGuild(this.#platform, world.guild(guildName).id)
    guild.members.delete(world.botId)
    this.#platform.dispatch({ name: 'GUILD_DELETE', guildId: guild.id, data: { id: guild.id } })
  }

  /** Adds the app to a guild. */
  addBot(guildName: string): void {
    const { world, clock } = this.#platform
    const guild = world.guild(guildName)
    const joinedAtMs = clock.now()
    const member = { userId: world.botId, roles: [], nick: null, joinedAtMs, timedOutUntilMs: 0 }
    guild.members.set(world.botId, member)
    const data = renderGuildCreate(guild, world, clock.now())
    this.#platform.dispatch({ name: 'GUILD_CREATE', guildId: guild.id, data })
  }
}
