import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { GatewayCloseCodes, GatewayOpcodes } from 'discord-api-types/v10'
import { WebSocketServer } from 'ws'
import type { StandInClock } from '../clock.js'
import type { JsonObject } from '../json.js'
import type { GatewayEvent } from '../platform.js'
import {
  applicationFlags,
  renderChannel,
  renderGuildCreate,
  renderMember,
  renderUser,
} from '../world/render.js'
import type { World } from '../world/world.js'
import { Connection, type ConnectionHost } from './connection.js'
import { areEnabled, areKnown } from './intents.js'
import { Session } from './session.js'
import { StartLimit } from './start-limit.js'

export interface GatewayOptions {
  readonly heartbeatIntervalMs: number
  /** Least time between two identifies of a shard. */
  readonly identifyIntervalMs: number
  /** How long a session outlives its connection, on the stand-in's clock. */
  readonly sessionLifetimeMs: number
}

/** What clients did. */
export interface GatewayCounts {
  readonly connections: number
  readonly identified: number
  readonly resumed: number
  readonly replayedEvents: number
}

type Refusal = readonly [code: GatewayCloseCodes, reason: string]

const AUTHENTICATION_FAILED: Refusal = [GatewayCloseCodes.AuthenticationFailed, 'Authentication failed.']

/** The WebSocket side: connections, sessions, events. https://docs.discord.com/developers/events/gateway */
export class Gateway implements ConnectionHost {
  readonly startLimit: StartLimit
  readonly #world: World
  readonly #clock: StandInClock
  readonly #options: GatewayOptions
  readonly url: string
  readonly #server = new WebSocketServer({ noServer: true })
  readonly #connections = new Set<Connection>()
  readonly #sessions = new Map<string, Session>()
  #refused = 0
  readonly #counts = { connections: 0, identified: 0, resumed: 0, replayedEvents: 0 }

  constructor(world: World, clock: StandInClock, options: GatewayOptions, url: string) {
    this.#world = world
    this.#clock = clock
    this.#options = options
    this.url = url
    this.startLimit = new StartLimit(clock, options.identifyIntervalMs)
  }

  get heartbeatIntervalMs(): number {
    return this.#options.heartbeatIntervalMs
  }

  get counts(): GatewayCounts {
    return { ...this.#counts }
  }

  /** Whether a client is connected and identified. */
  get ready(): boolean {
    return [...this.#sessions.values()].some(({ connected }) => connected)
  }

  now(): number {
    return this.#clock.now()
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#refused > 0) {
      this.#refused -= 1
      socket.destroy()
      return
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const query = new URL(request.url ?? '/', 'http://gateway').searchParams
      const connection = new Connection(webSocket, this, query.get('compress') === 'zlib-stream')
      this.#connections.add(connection)
      this.#counts.connections += 1
      if (query.get('v') !== '10') connection.close(GatewayCloseCodes.InvalidAPIVersion)
      if ((query.get('encoding') ?? 'json') !== 'json') connection.close(GatewayCloseCodes.DecodeError)
    })
  }

  /** Sends an event to every session that hears of it; answers whether one was there to keep it. */
  dispatch(event: GatewayEvent): boolean {
    for (const session of this.#sessions.values()) {
      if (this.#isOver(session)) this.#sessions.delete(session.id)
    }
    return [...this.#sessions.values()].map((session) => session.dispatch(event)).some(Boolean)
  }

  identify(connection: Connection, data: JsonObject): void {
    const [shardId, shardCount] = shardOf(data.shard)
    const refusal = this.#refusal(data, shardId, shardCount)
    if (refusal !== undefined) {
      connection.close(...refusal)
    } else if (!this.startLimit.take(shardId)) {
      this.#invalidate(connection, false)
    } else {
      if (data.compress === true) connection.compressPayloads()
      this.#counts.identified += 1
      this.#open(connection, new Session(Number(data.intents), this.#world.botId), shardId, shardCount)
    }
  }

  /** Why an identify is turned away. https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes */
  #refusal(data: JsonObject, shardId: number, shardCount: number): Refusal | undefined {
    const { token, privilegedIntents } = this.#world.application
    if (data.token !== token) return AUTHENTICATION_FAILED
    if (!areKnown(data.intents)) return [GatewayCloseCodes.InvalidIntents, 'Invalid intent(s).']
    if (!areEnabled(data.intents, privilegedIntents)) {
      return [GatewayCloseCodes.DisallowedIntents, 'Disallowed intent(s).']
    }
    const sharded = shardId >= 0 && shardId < shardCount
    return sharded ? undefined : [GatewayCloseCodes.InvalidShard, 'Invalid shard.']
  }

  resume(connection: Connection, data: JsonObject): void {
    if (data.token !== this.#world.application.token) {
      connection.close(...AUTHENTICATION_FAILED)
      return
    }
    const session = this.#sessions.get(String(data.session_id))
    const sequence = typeof data.seq === 'number' ? data.seq : -1
    if (session === undefined || this.#isOver(session) || !session.canReplay(sequence)) {
      if (session !== undefined) this.#sessions.delete(session.id)
      this.#invalidate(connection, false)
      return
    }
    connection.session = session
    session.attach(connection)
    this.#counts.resumed += 1
    this.#counts.replayedEvents += session.replay(sequence)
    session.dispatch({ name: 'RESUMED', data: {}, guildId: undefined })
  }

  /** https://docs.discord.com/developers/events/gateway-events#request-guild-members */
  requestMembers(connection: Connection, data: JsonObject): void {
    const guild = this.#world.guilds.get(String(data.guild_id))
    if (guild === undefined || !this.#world.hasBot(guild.id)) return
    const wanted = new Set([data.user_ids ?? []].flat().map(String))
    const query = typeof data.query === 'string' ? data.query : undefined
    const members = [...guild.members.values()].filter(({ userId }) =>
      query === undefined ? wanted.has(userId) : this.#world.user(userId).name.startsWith(query),
    )
    connection.session?.dispatch({
      name: 'GUILD_MEMBERS_CHUNK',
      guildId: guild.id,
      data: {
        guild_id: guild.id,
        members: members.map((one) => ({
          ...renderMember(one, this.now()),
          user: renderUser(this.#world.user(one.userId)),
        })),
        chunk_index: 0,
        chunk_count: 1,
        not_found: [...wanted].filter((id) => !guild.members.has(id)),
        ...(data.nonce !== undefined && { nonce: data.nonce }),
      },
    })
  }

  /** A client that closes with 1000 or 1001 ends its session. https://docs.discord.com/developers/events/gateway#initiating-a-disconnect */
  closed(connection: Connection, code: number | undefined): void {
    this.#connections.delete(connection)
    const { session } = connection
    if (session === undefined) return
    session.detach(connection, this.now())
    if ((code === 1000 || code === 1001) && !session.connected) this.#sessions.delete(session.id)
  }

  /** Closes every connection with a code; sessions stay to be resumed. */
  close(code: GatewayCloseCodes | 1000 | 1001): void {
    for (const connection of this.#connections) connection.close(code)
  }

  /** Cuts every connection; `refuse` of the next attempts to connect are cut too. */
  drop(refuse = 0): void {
    this.#refused = refuse
    for (const connection of this.#connections) connection.drop()
  }

  /** Asks clients to reconnect (opcode 7). */
  reconnect(): void {
    for (const connection of this.#connections) connection.send({ op: GatewayOpcodes.Reconnect, d: null })
  }

  /** Tells clients that their session is invalid (opcode 9); it is forgotten unless it may be resumed. */
  invalidate(resumable: boolean): void {
    for (const connection of this.#connections) this.#invalidate(connection, resumable)
  }

  /** Asks clients for a heartbeat at once (opcode 1). */
  requestHeartbeat(): void {
    for (const connection of this.#connections) connection.send({ op: GatewayOpcodes.Heartbeat, d: null })
  }

  /** Leaves connections open and answers nothing on them any more. */
  zombify(): void {
    for (const connection of this.#connections) {
      connection.fallSilent()
      connection.session?.detach(connection, this.now())
    }
  }

  /** Forgets every session, so that coming clients cannot resume. */
  forgetSessions(): void {
    this.#sessions.clear()
  }

  shutDown(): void {
    for (const connection of this.#connections) connection.drop()
    this.#server.close()
  }

  #invalidate(connection: Connection, resumable: boolean): void {
    const { session } = connection
    connection.session = undefined
    session?.detach(connection, this.now())
    if (session !== undefined && !resumable) this.#sessions.delete(session.id)
    connection.send({ op: GatewayOpcodes.InvalidSession, d: resumable })
  }

  #isOver(session: Session): boolean {
    return session.lostAtMs !== undefined && this.now() - session.lostAtMs > this.#options.sessionLifetimeMs
  }

  #open(connection: Connection, session: Session, shardId: number, shardCount: number): void {
    const world = this.#world
    this.#sessions.set(session.id, session)
    connection.session = session
    session.attach(connection)
    const guilds = [...world.guilds.values()].filter(
      ({ id }) => world.hasBot(id) && Number((BigInt(id) >> 22n) % BigInt(shardCount)) === shardId,
    )
    session.dispatch({
      name: 'READY',
      guildId: undefined,
      data: {
        v: 10,
        user: { ...renderUser(world.user(world.botId)), verified: true, mfa_enabled: false, email: null },
        guilds: guilds.map(({ id }) => ({ id, unavailable: true })),
        session_id: session.id,
        resume_gateway_url: this.url,
        session_type: 'normal',
        private_channels: [],
        shard: [shardId, shardCount],
        application: {
          id: world.application.id,
          flags: applicationFlags(world.application.privilegedIntents),
        },
      },
    })
    for (const guild of guilds) {
      session.dispatch({
        name: 'GUILD_CREATE',
        guildId: guild.id,
        data: renderGuildCreate(guild, world, this.now()),
      })
    }
  }
}

function shardOf(shard: unknown): readonly [id: number, count: number] {
  return Array.isArray(shard) ? [Number(shard[0]), Number(shard[1])] : [0, 1]
}

/** An event about a channel or thread. */
export function channelEvent(name: string, channelId: string, world: World): GatewayEvent {
  const channel = world.channel(channelId)
  return { name, guildId: channel.guildId, data: renderChannel(channel, world) }
}
