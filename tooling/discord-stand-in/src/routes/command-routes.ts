import { ApplicationCommandType as Type } from 'discord-api-types/v10'
import { checkCommand } from '../checks/command.js'
import { Form } from '../checks/form.js'
import type { CommandRecord } from '../commands/command-store.js'
import { isObject, type JsonObject } from '../json.js'
import type { Platform } from '../platform.js'
import { ApiError, refusals } from '../rest/api-error.js'
import { type Call, NO_CONTENT, ok, param, type Reply, type Route } from '../rest/route.js'
import { botGuild } from './access.js'
import { LIMITS } from './limits.js'

/** https://docs.discord.com/developers/interactions/application-commands#registering-a-command */
const MOST: Readonly<Record<number, number>> = { [Type.ChatInput]: 100, [Type.User]: 15, [Type.Message]: 15 }

/** Global commands and those of a guild. https://docs.discord.com/developers/interactions/application-commands#endpoints */
export function commandRoutes(platform: Platform): Route[] {
  return ['/applications/:application/commands', '/applications/:application/guilds/:guild/commands'].flatMap(
    (many) => {
      const one = `${many}/:command`
      const route = (method: Route['method'], path: string, handle: (scoped: Scoped) => Reply): Route => ({
        method,
        path,
        auth: 'bot',
        limit: LIMITS.default,
        handle: (call) => handle({ platform, call, scope: scopeOf(platform, call) }),
      })
      return [
        route('GET', many, list),
        route('POST', many, create),
        route('PUT', many, replaceAll),
        route('GET', one, ({ platform: here, call, scope }) => ok(found(here, call, scope))),
        route('PATCH', one, change),
        route('DELETE', one, remove),
      ]
    },
  )
}

interface Scoped {
  readonly platform: Platform
  readonly call: Call
  /** A guild's id, or undefined for global commands. */
  readonly scope: string | undefined
}

function scopeOf(platform: Platform, call: Call): string | undefined {
  if (param(call, 'application') !== platform.world.application.id) throw refusals.unknownApplication()
  const guildId = call.params.guild
  return guildId === undefined ? undefined : botGuild(platform, guildId).id
}

function list({ platform, call, scope }: Scoped): Reply {
  const full = call.query.get('with_localizations') === 'true'
  const commands = platform.commands.list(scope)
  return ok(full ? commands : commands.map(withoutLocalisations))
}

function withoutLocalisations(command: CommandRecord): JsonObject {
  const kept = Object.entries(command).filter(([name]) => !name.endsWith('_localizations'))
  return Object.fromEntries(kept)
}

/** A command of the same name and type is written over. */
function create({ platform, call, scope }: Scoped): Reply {
  const form = Form.of(call.body)
  const fields = checkCommand(form)
  form.finish()
  const known = platform.commands.list(scope)
  const old = sameName(known, fields)
  const record = recordOf(platform, scope, fields, old)
  const next = [...known.filter((one) => one !== old), record]
  refuseTooMany(next)
  platform.commands.replace(scope, next)
  return { status: old === undefined ? 201 : 200, body: record }
}

function replaceAll({ platform, call, scope }: Scoped): Reply {
  const form = Form.of(call.body)
  const forms = form.list({ required: true })
  const all = forms.map(checkCommand)
  all.forEach((fields, index) => {
    if (all.slice(0, index).some((other) => other.name === fields.name && other.type === fields.type)) {
      forms[index]
        ?.field('name')
        .refuse('APPLICATION_COMMANDS_DUPLICATE_NAME', 'Application command names must be unique')
    }
  })
  form.finish()
  const known = platform.commands.list(scope)
  const records = all.map((fields) => recordOf(platform, scope, fields, sameName(known, fields)))
  refuseTooMany(records)
  platform.commands.replace(scope, records)
  return ok(records)
}

function change({ platform, call, scope }: Scoped): Reply {
  const old = found(platform, call, scope)
  const body = isObject(call.body) ? call.body : {}
  const form = Form.of({ ...old, ...body, type: old.type })
  const fields = checkCommand(form)
  form.finish()
  const record = recordOf(platform, scope, fields, old)
  const others = platform.commands.list(scope).filter((one) => one !== old)
  platform.commands.replace(scope, [...others, record])
  return ok(record)
}

function remove({ platform, call, scope }: Scoped): Reply {
  const old = found(platform, call, scope)
  const others = platform.commands.list(scope).filter((one) => one !== old)
  platform.commands.replace(scope, others)
  return NO_CONTENT
}

function found(platform: Platform, call: Call, scope: string | undefined): CommandRecord {
  const command = platform.commands.find(scope, param(call, 'command'))
  if (command === undefined) throw refusals.unknownCommand()
  return command
}

function sameName(
  known: readonly CommandRecord[],
  fields: { readonly name: string; readonly type: number },
): CommandRecord | undefined {
  return known.find(({ name, type }) => name === fields.name && type === fields.type)
}

/** Keeps id and version of a command that is as it was. */
function recordOf(
  { ids, world }: Platform,
  scope: string | undefined,
  fields: JsonObject & { readonly type: number; readonly name: string },
  old: CommandRecord | undefined,
): CommandRecord {
  const record = {
    ...fields,
    id: old?.id ?? ids.next(),
    application_id: world.application.id,
    version: old?.version ?? '',
    ...(scope !== undefined && { guild_id: scope }),
  }
  const same = old !== undefined && JSON.stringify(sorted(record)) === JSON.stringify(sorted(old))
  return same ? old : { ...record, version: ids.next() }
}

function sorted(command: JsonObject): [string, unknown][] {
  return Object.entries(command).sort(([left], [right]) => (left < right ? -1 : 1))
}

function refuseTooMany(commands: readonly CommandRecord[]): void {
  for (const [type, most] of Object.entries(MOST)) {
    if (commands.filter((one) => one.type === Number(type)).length > most) {
      throw new ApiError(400, 30032, `Maximum number of application commands reached (${most}).`)
    }
  }
}
