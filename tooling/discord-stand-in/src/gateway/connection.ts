import { GatewayCloseCodes, GatewayOpcodes } from 'discord-api-types/v10'
import type { RawData, WebSocket } from 'ws'
import { isObject, type JsonObject } from '../json.js'
import type { Frame, FrameSink, Session } from './session.js'
import { createPayloadTransport, createTransport, type Transport } from './transport.js'

/** Largest frame a client may send. https://docs.discord.com/developers/events/gateway#sending-events */
const MOST_FRAME_BYTES = 4096

/** Frames a client may send per minute. https://docs.discord.com/developers/events/gateway#rate-limiting */
const MOST_FRAMES = 120
const FRAMES_WINDOW_MS = 60_000

/** Presence and voice concern nobody here. */
const IGNORED: readonly number[] = [GatewayOpcodes.PresenceUpdate, GatewayOpcodes.VoiceStateUpdate]

/** What a connection asks of the gateway that it belongs to. */
export interface ConnectionHost {
  readonly heartbeatIntervalMs: number
  now(): number
  identify(connection: Connection, data: JsonObject): void
  resume(connection: Connection, data: JsonObject): void
  requestMembers(connection: Connection, data: JsonObject): void
  /** @param code - What the client closed with; undefined where the gateway did. */
  closed(connection: Connection, code: number | undefined): void
}

/** One WebSocket from hello to close. */
export class Connection implements FrameSink {
  readonly #socket: WebSocket
  readonly #host: ConnectionHost
  #transport: Transport
  #sentAtMs: number[] = []
  #silent = false
  #endedHere = false
  session: Session | undefined

  constructor(socket: WebSocket, host: ConnectionHost, zlibStream: boolean) {
    this.#socket = socket
    this.#host = host
    this.#transport = createTransport(socket, zlibStream)
    socket.on('message', (data) => this.#receive(data))
    socket.on('close', (code) => host.closed(this, this.#endedHere ? undefined : code))
    socket.on('error', () => socket.terminate())
    this.send({
      op: GatewayOpcodes.Hello,
      d: { heartbeat_interval: host.heartbeatIntervalMs },
      s: null,
      t: null,
    })
  }

  send(frame: Frame): void {
    if (this.#silent || this.#socket.readyState !== this.#socket.OPEN) return
    this.#transport({ s: null, t: null, ...frame })
  }

  compressPayloads(): void {
    this.#transport = createPayloadTransport(this.#socket)
  }

  close(code: GatewayCloseCodes | 1000 | 1001, reason = ''): void {
    this.#endedHere = true
    this.#socket.close(code, reason)
  }

  /** Cuts the connection without a closing handshake. */
  drop(): void {
    this.#socket.terminate()
  }

  /** Leaves the connection open and answers nothing any more, as a zombie does. */
  fallSilent(): void {
    this.#silent = true
  }

  #receive(data: RawData): void {
    if (this.#silent) return
    const text = data.toString()
    const frame = Buffer.byteLength(text) > MOST_FRAME_BYTES ? undefined : parseFrame(text)
    if (!this.#withinRate()) this.close(GatewayCloseCodes.RateLimited, 'You are being rate limited.')
    else if (frame === undefined) this.close(GatewayCloseCodes.DecodeError, 'Error while decoding payload.')
    else this.#handle(frame.op, isObject(frame.d) ? frame.d : {})
  }

  #withinRate(): boolean {
    const now = this.#host.now()
    this.#sentAtMs = [...this.#sentAtMs.filter((at) => now - at < FRAMES_WINDOW_MS), now]
    return this.#sentAtMs.length <= MOST_FRAMES
  }

  #handle(op: number, data: JsonObject): void {
    if (op === GatewayOpcodes.Heartbeat) {
      this.send({ op: GatewayOpcodes.HeartbeatAck })
    } else if (op === GatewayOpcodes.Identify || op === GatewayOpcodes.Resume) {
      if (this.session !== undefined) this.close(GatewayCloseCodes.AlreadyAuthenticated)
      else if (op === GatewayOpcodes.Identify) this.#host.identify(this, data)
      else this.#host.resume(this, data)
    } else if (this.session === undefined) {
      this.close(GatewayCloseCodes.NotAuthenticated)
    } else if (op === GatewayOpcodes.RequestGuildMembers) {
      this.#host.requestMembers(this, data)
    } else if (!IGNORED.includes(op)) {
      this.close(GatewayCloseCodes.UnknownOpcode)
    }
  }
}

function parseFrame(text: string): { op: number; d: unknown } | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return isObject(parsed) && typeof parsed.op === 'number' ? { op: parsed.op, d: parsed.d } : undefined
  } catch {
    return undefined
  }
}
