import type { JsonObject } from '../json.js'

/** A registered command, as the API gives it back. https://docs.discord.com/developers/interactions/application-commands#application-command-object */
export interface CommandRecord extends JsonObject {
  readonly id: string
  readonly type: number
  readonly name: string
  /** Changes with every change of the command. */
  readonly version: string
  readonly guild_id?: string
}

/** The app's commands: global ones under `undefined`, those of a guild under its id. */
export class CommandStore {
  readonly #byScope = new Map<string | undefined, CommandRecord[]>()

  list(scope: string | undefined): readonly CommandRecord[] {
    return this.#byScope.get(scope) ?? []
  }

  replace(scope: string | undefined, commands: CommandRecord[]): void {
    this.#byScope.set(scope, commands)
  }

  find(scope: string | undefined, id: string): CommandRecord | undefined {
    return this.list(scope).find((command) => command.id === id)
  }

  /** A command by name as somebody in a guild sees it; a guild's own hides the global one. */
  named(name: string, type: number, guildId: string | undefined): CommandRecord | undefined {
    const matches = (command: CommandRecord) => command.name === name && command.type === type
    const own = guildId === undefined ? undefined : this.list(guildId).find(matches)
    return own ?? this.list(undefined).find(matches)
  }
}
