import { z } from 'zod'
import type { Db } from './database.js'

const schema = z.object({
  frames: z.int().min(1).nullable().default(null),
  model: z.string().nullable().default(null),
  language: z.enum(['en', 'de']).nullable().default(null),
  storyboard: z.boolean().default(true),
  channels: z.array(z.string()).default([]),
  roles: z.array(z.string()).default([]),
})

/** What those who manage a server decided; empty lists are everything and everybody. */
export type GuildSettings = Readonly<z.output<typeof schema>>

export class SettingsTable {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** @param guildId - `null` outside of servers. */
  get(guildId: string | null): GuildSettings {
    const row =
      guildId === null ? undefined : this.#db.get('SELECT body FROM settings WHERE guild_id = ?', guildId)
    return schema.parse(row === undefined ? {} : JSON.parse(String(row.body)))
  }

  set(guildId: string, settings: GuildSettings): void {
    this.#db.run(
      'INSERT INTO settings (guild_id, body) VALUES (?, ?) ON CONFLICT (guild_id) DO UPDATE SET body = excluded.body',
      guildId,
      JSON.stringify(settings),
    )
  }

  remove(guildId: string): void {
    this.#db.run('DELETE FROM settings WHERE guild_id = ?', guildId)
  }
}
