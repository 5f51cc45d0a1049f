import type { Cdn } from './cdn.js'
import type { StandInClock } from './clock.js'
import type { CommandStore } from './commands/command-store.js'
import type { InteractionStore } from './interactions/interaction-store.js'
import type { JsonObject } from './json.js'
import type { Snowflakes } from './snowflake.js'
import type { World } from './world/world.js'

/** Something that happened, on its way to the bot's sessions. */
export interface GatewayEvent {
  /** Such as `MESSAGE_CREATE`. */
  readonly name: string
  readonly data: JsonObject
  /** The guild that it happened in; undefined for direct messages and what concerns the app alone. */
  readonly guildId: string | undefined
}

/** The parts of the stand-in that routes and the driver work on. */
export interface Platform {
  readonly clock: StandInClock
  readonly ids: Snowflakes
  readonly world: World
  readonly cdn: Cdn
  readonly commands: CommandStore
  readonly interactions: InteractionStore
  /** Sends an event to every session whose intents ask for it; answers whether there was a session to keep it. */
  readonly dispatch: (event: GatewayEvent) => boolean
}
