import { ChannelType } from 'discord-api-types/v10'
import { Form } from '../checks/form.js'
import type { Gateway } from '../gateway/gateway.js'
import type { Platform } from '../platform.js'
import { refusals } from '../rest/api-error.js'
import { type Call, ok, param, type Reply, type Route } from '../rest/route.js'
import type { ChannelRecord } from '../world/records.js'
import {
  renderApplication,
  renderChannel,
  renderGuild,
  renderMember,
  renderRole,
  renderUser,
} from '../world/render.js'
import { botGuild, visibleChannel } from './access.js'
import { LIMITS } from './limits.js'

/** What there is: the app, people, guilds, channels, and the way to the gateway. */
export function resourceRoutes(platform: Platform, gateway: Gateway): Route[] {
  const { world } = platform
  const route = (method: Route['method'], path: string, handle: Route['handle']): Route => ({
    method,
    path,
    auth: 'bot',
    limit: LIMITS.often,
    handle,
  })
  const myself = () => ok(renderApplication(world))
  return [
    route('GET', '/gateway', () => ok({ url: gateway.url })),
    route('GET', '/gateway/bot', () =>
      ok({ url: gateway.url, shards: 1, session_start_limit: gateway.startLimit.render() }),
    ),
    route('GET', '/oauth2/applications/@me', myself),
    route('GET', '/applications/@me', myself),
    route('GET', '/users/@me', () => ok(renderUser(world.user(world.botId)))),
    route('GET', '/users/@me/guilds', () => ok(guildsOfBot(platform))),
    route('POST', '/users/@me/channels', (call) => openDirect(platform, call)),
    route('GET', '/users/:user', (call) => user(platform, call)),
    route('GET', '/channels/:channel', (call) =>
      ok(renderChannel(visibleChannel(platform, param(call, 'channel')), world)),
    ),
    route('GET', '/guilds/:guild', (call) => ok(renderGuild(botGuild(platform, param(call, 'guild'))))),
    route('GET', '/guilds/:guild/channels', (call) => {
      const channels = world.channelsOf(botGuild(platform, param(call, 'guild')).id)
      const plain = channels.filter(({ thread }) => thread === undefined)
      return ok(plain.map((channel) => renderChannel(channel, world)))
    }),
    route('GET', '/guilds/:guild/roles', (call) =>
      ok([...botGuild(platform, param(call, 'guild')).roles.values()].map(renderRole)),
    ),
    route('GET', '/guilds/:guild/members/:user', (call) => member(platform, call)),
  ]
}

function guildsOfBot({ world }: Platform) {
  const guilds = [...world.guilds.values()].filter(({ id }) => world.hasBot(id))
  return guilds.map((guild) => ({ id: guild.id, name: guild.name, icon: null, owner: false, features: [] }))
}

function user({ world }: Platform, call: Call): Reply {
  const found = world.users.get(param(call, 'user'))
  if (found === undefined) throw refusals.unknownUser()
  return ok(renderUser(found))
}

function member(platform: Platform, call: Call): Reply {
  const found = botGuild(platform, param(call, 'guild')).members.get(param(call, 'user'))
  if (found === undefined) throw refusals.unknownMember()
  return ok({
    ...renderMember(found, platform.clock.now()),
    user: renderUser(platform.world.user(found.userId)),
  })
}

/** https://docs.discord.com/developers/resources/user#create-dm */
function openDirect(platform: Platform, call: Call): Reply {
  const form = Form.of(call.body)
  const recipient = form.field('recipient_id').snowflake({ required: true }) ?? ''
  form.finish()
  const found = platform.world.users.get(recipient)
  if (found === undefined || found.bot) throw refusals.unknownUser()
  return ok(renderChannel(directChannel(platform, recipient), platform.world))
}

/** The direct messages between the bot and somebody; made when first needed. */
export function directChannel({ world, ids }: Platform, userId: string): ChannelRecord {
  const known = world.directChannel(userId)
  if (known !== undefined) return known
  const channel: ChannelRecord = {
    id: ids.next(),
    type: ChannelType.DM,
    guildId: undefined,
    parentId: undefined,
    name: '',
    position: 0,
    ageRestricted: false,
    overwrites: [],
    recipients: [userId, world.botId],
    thread: undefined,
    lastMessageId: null,
  }
  world.channels.set(channel.id, channel)
  return channel
}
