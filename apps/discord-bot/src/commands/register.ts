import { type REST, Routes } from 'discord.js'
import { COMMANDS } from './definitions.js'

/**
 * Tells Discord the bot's commands, unless it knows them already.
 *
 * @param guildId - Of one server alone, where they appear at once; else everywhere.
 * @returns Whether anything had to be changed.
 */
export async function registerCommands(
  rest: REST,
  applicationId: string,
  guildId?: string,
): Promise<boolean> {
  const route =
    guildId === undefined
      ? Routes.applicationCommands(applicationId)
      : Routes.applicationGuildCommands(applicationId, guildId)
  const known = await rest.get(route, { query: new URLSearchParams({ with_localizations: 'true' }) })
  if (isKnown(known)) return false
  await rest.put(route, { body: COMMANDS })
  return true
}

function isKnown(known: unknown): boolean {
  if (!Array.isArray(known) || known.length !== COMMANDS.length) return false
  return COMMANDS.every((command) =>
    known.some((other: unknown) => hasAll(other, command) && isSame(other, command, 'options')),
  )
}

/** Whether everything that is said of `ours` is so in `theirs`; Discord adds fields, and leaves out empty ones. */
function hasAll(theirs: unknown, ours: unknown): boolean {
  if (isEmpty(ours)) return isEmpty(theirs)
  if (Array.isArray(ours)) {
    return (
      Array.isArray(theirs) && theirs.length === ours.length && ours.every((it, at) => hasAll(theirs[at], it))
    )
  }
  if (typeof ours !== 'object' || ours === null) return theirs === ours
  if (typeof theirs !== 'object' || theirs === null) return false
  return Object.entries(ours).every(([name, value]) => hasAll(Reflect.get(theirs, name), value))
}

function isSame(theirs: unknown, ours: object, field: string): boolean {
  const count = (value: unknown): number => (Array.isArray(value) ? value.length : 0)
  return count(Reflect.get(Object(theirs), field)) === count(Reflect.get(ours, field))
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true
  return Array.isArray(value) && value.length === 0
}
