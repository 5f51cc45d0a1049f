import { setTimeout as pause } from 'node:timers/promises'
import type { Discord, SeenMessage } from '@longtake/discord-stand-in'
import { type Asked, aboutOf, type Seen, seenOf } from './asked.js'

const LOOK_MS = 400

/** What people see, looked at again and again, once for all of them. */
export class Sight {
  readonly #discord: Discord
  readonly #stop: AbortSignal
  #messages = new Map<string, SeenMessage[]>()
  #looked: Promise<void> | undefined
  /** When something changed last, milliseconds of `performance.now`. */
  changedAtMs = performance.now()
  #digest = ''

  constructor(discord: Discord, stop: AbortSignal) {
    this.#discord = discord
    this.#stop = stop
  }

  /** What is seen of a question now, as it was at the last look. */
  of(asked: Asked): Seen {
    return seenOf(asked, this.#messages.get(asked.id) ?? [])
  }

  look(): void {
    const messages = new Map<string, SeenMessage[]>()
    const all = this.#discord.messages().filter(({ fromBot, deleted }) => fromBot && !deleted)
    for (const message of all) {
      const about = aboutOf(message)
      if (about !== undefined) messages.set(about, [...(messages.get(about) ?? []), message])
    }
    this.#messages = messages
    const digest = `${all.length} ${Math.max(0, ...all.map(({ editedAtMs = 0 }) => editedAtMs))}`
    if (digest !== this.#digest) this.changedAtMs = performance.now()
    this.#digest = digest
  }

  /** Waits until something is so, or the run ends. @returns Whether it is. */
  async until(isSo: () => boolean): Promise<boolean> {
    while (!isSo()) {
      if (this.#stop.aborted) return false
      await this.#nextLook()
    }
    return true
  }

  #nextLook(): Promise<void> {
    this.#looked ??= pause(LOOK_MS).then(() => {
      this.#looked = undefined
      this.look()
    })
    return this.#looked
  }
}
