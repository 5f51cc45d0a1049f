import { setTimeout as pause } from 'node:timers/promises'
import type { Discord, FaultOptions } from '@longtake/discord-stand-in'

const LOOK_MS = 20
/** Between the end of one trouble of the gateway and the next. */
const REST_MS = 2500

/** Shares of all requests that go wrong, most of them before they take effect. */
const FAULTS: readonly FaultOptions[] = [
  { trouble: { kind: 'status', status: 502 }, chance: 0.02 },
  { trouble: { kind: 'status', status: 500 }, chance: 0.01, afterEffect: true },
  { trouble: { kind: 'status', status: 503 }, chance: 0.01 },
  { trouble: { kind: 'drop' }, chance: 0.005 },
  { trouble: { kind: 'drop' }, chance: 0.005, afterEffect: true },
  { trouble: { kind: 'slow', delayMs: 700 }, chance: 0.02 },
  { trouble: { kind: 'slow', delayMs: 1500 }, chance: 0.01, afterEffect: true },
  { trouble: { kind: 'rate-limit', retryAfterMs: 600, scope: 'shared' }, chance: 0.015 },
  { trouble: { kind: 'rate-limit', retryAfterMs: 1000, scope: 'user' }, chance: 0.01 },
]
/** The whole bot is told to be quiet. */
const GLOBAL: FaultOptions = {
  on: /^(?:POST|PATCH) \/channels/,
  trouble: { kind: 'rate-limit', retryAfterMs: 1500, scope: 'global' },
  times: 2,
  chance: 0.05,
}

/** What happens to the connection, in turn. */
const GATEWAY: readonly { readonly name: string; readonly befall: (discord: Discord) => void }[] = [
  { name: 'drop', befall: ({ gateway }) => gateway.drop() },
  { name: 'reconnect', befall: ({ gateway }) => gateway.reconnect() },
  { name: 'invalid, resumable', befall: ({ gateway }) => gateway.invalidate(true) },
  { name: 'closed', befall: ({ gateway }) => gateway.close(4000) },
  { name: 'invalid', befall: ({ gateway }) => gateway.invalidate(false) },
  { name: 'silent', befall: ({ gateway }) => gateway.zombify() },
  { name: 'drop, refused once', befall: ({ gateway }) => gateway.drop(1) },
]

/** When the bot could not hear, on the stand-in's clock. */
export interface Outage {
  readonly fromMs: number
  toMs: number
}

/** Troubles between the bot and Discord, as long as they are wanted. */
export class Troubles {
  readonly outages: Outage[] = []
  readonly #discord: Discord
  readonly #counts: Record<string, number> = {}
  #isHeld = false

  constructor(discord: Discord) {
    this.#discord = discord
  }

  /** How often what happened to the connection. */
  get counts(): Readonly<Record<string, number>> {
    return this.#counts
  }

  /** Lets requests go wrong from now on. */
  start(): void {
    for (const fault of FAULTS) this.#discord.faults.add({ times: Number.POSITIVE_INFINITY, ...fault })
    this.#discord.faults.add(GLOBAL)
  }

  /** Troubles the connection until the signal fires. */
  async run(stop: AbortSignal): Promise<void> {
    for (let turn = 0; !stop.aborted; turn++) {
      await pause(REST_MS, undefined, { signal: stop }).catch(() => {})
      await this.#until(stop, () => this.#discord.gateway.ready && !this.#isHeld)
      if (stop.aborted) return
      const { name, befall } = GATEWAY[turn % GATEWAY.length] ?? { name: '', befall: () => {} }
      this.#counts[name] = (this.#counts[name] ?? 0) + 1
      await this.outage(async () => {
        const before = sessionsOf(this.#discord)
        befall(this.#discord)
        await this.#until(stop, () => this.#discord.gateway.ready && sessionsOf(this.#discord) > before)
      })
    }
  }

  /** Notes that the bot hears nothing while something goes on; nothing else happens to the connection meanwhile. */
  async outage<T>(meanwhile: () => Promise<T>): Promise<T> {
    const outage: Outage = { fromMs: this.#discord.clock.now(), toMs: Number.POSITIVE_INFINITY }
    this.outages.push(outage)
    this.#isHeld = true
    try {
      return await meanwhile()
    } finally {
      this.#isHeld = false
      outage.toMs = this.#discord.clock.now()
    }
  }

  async #until(stop: AbortSignal, isSo: () => boolean): Promise<void> {
    while (!isSo() && !stop.aborted) await pause(LOOK_MS)
  }
}

function sessionsOf({ counts }: Discord): number {
  return counts.identified + counts.resumed
}
