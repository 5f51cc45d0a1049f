import type { Client } from 'discord.js'
import type { Attachments } from '../answering/attachments.js'
import type { Deliveries } from '../answering/deliveries.js'
import type { DeliveryKit } from '../answering/delivery.js'
import type { Limits } from '../config/config.js'
import type { GuildSettings } from '../store/settings.js'
import { type Language, languageOf } from '../texts/texts.js'

/** What taking questions on needs. */
export interface IntakeKit extends DeliveryKit {
  readonly client: Client<true>
  readonly deliveries: Deliveries
  readonly attachments: Attachments
  readonly limits: Limits
  readonly models: readonly string[]
  /** Whether the text of messages that do not address the bot can be read. */
  readonly readsContent: boolean
  /** Whether nothing is taken on any more. */
  readonly isClosing: () => boolean
}

/** The language that somebody is answered in. */
export function languageFor(settings: GuildSettings, locale: string | null | undefined): Language {
  return settings.language ?? languageOf(locale)
}

/** The model of a server, as long as there is that model. */
export function modelFor({ models }: IntakeKit, settings: GuildSettings): string {
  const { model } = settings
  return model !== null && models.includes(model) ? model : (models[0] ?? '')
}

/** How many frames are watched, where that is said. */
export function framesFor({ limits }: IntakeKit, { frames }: GuildSettings): number | null {
  return frames === null ? null : Math.min(frames, limits.maxFrames)
}
