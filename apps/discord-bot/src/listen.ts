import { type Client, Events } from 'discord.js'
import type { IntakeKit } from './intake/intake-kit.js'
import { takeInteraction } from './intake/interactions.js'
import { takeDeletions, takeEdit, takeMessage } from './intake/messages.js'

/** Hands Discord's events to what takes them; none of them can end the process. */
export function listen(client: Client, kit: IntakeKit): void {
  const { log, metrics, store } = kit
  const guarded = (what: string, work: Promise<void>): void => {
    work.catch((error: unknown) => log.error({ err: error }, `${what} failed`))
  }
  client.on(Events.InteractionCreate, (interaction) => {
    const startedAt = performance.now()
    const taken = takeInteraction(kit, interaction).then(() =>
      metrics.acknowledged((performance.now() - startedAt) / 1000),
    )
    guarded('an interaction', taken)
  })
  client.on(Events.MessageCreate, (message) => guarded('a message', takeMessage(kit, message)))
  client.on(Events.MessageUpdate, (_, message) => guarded('an edit', takeEdit(kit, message)))
  client.on(Events.MessageDelete, ({ id }) => guarded('a deletion', takeDeletions(kit, [id])))
  client.on(Events.MessageBulkDelete, (messages) =>
    guarded('deletions', takeDeletions(kit, [...messages.keys()])),
  )
  client.on(Events.GuildDelete, ({ id }) => store.settings.remove(id))
  client.on(Events.Error, (error) => log.error({ err: error }, 'discord'))
  client.on(Events.ShardDisconnect, ({ code }, shard) => log.error({ code, shard }, 'disconnected for good'))
  client.on(Events.ShardReconnecting, (shard) => {
    if (!kit.isClosing()) log.warn({ shard }, 'reconnecting')
  })
  client.on(Events.ShardResume, (shard, replayed) => log.info({ shard, replayed }, 'resumed'))
}
