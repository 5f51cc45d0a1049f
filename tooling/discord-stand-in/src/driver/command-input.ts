import { ApplicationCommandOptionType as Type } from 'discord-api-types/v10'
import type { CommandRecord } from '../commands/command-store.js'
import { type JsonObject, objectsIn } from '../json.js'
import type { Platform } from '../platform.js'
import { StandInError } from '../stand-in-error.js'
import type { ChannelRecord } from '../world/records.js'
import { renderChannel, renderMember, renderRole, renderUser } from '../world/render.js'
import { attachmentFrom, type Upload } from './upload.js'

/** What a person fills in: texts, numbers, switches, files; people, channels and roles by name or id. */
export type OptionValue = string | number | boolean | Upload

export type OptionValues = Readonly<Record<string, OptionValue | undefined>>

export interface FilledOptions {
  readonly options: readonly JsonObject[]
  readonly resolved: JsonObject
}

interface Filling {
  readonly platform: Platform
  readonly channel: ChannelRecord
  readonly resolved: Record<string, JsonObject>
}

/**
 * Fills a command's options as a client does: under its subcommand, with what files and people resolve to.
 * @throws {StandInError} Where a client would not let the person send: an unknown or missing option, a bad value.
 */
export function fillOptions(
  platform: Platform,
  channel: ChannelRecord,
  command: CommandRecord,
  subcommands: readonly string[],
  values: OptionValues,
): FilledOptions {
  const filling: Filling = { platform, channel, resolved: {} }
  const options = fillLevel(filling, command, subcommands, values)
  return { options, resolved: filling.resolved }
}

function fillLevel(
  filling: Filling,
  holder: JsonObject,
  subcommands: readonly string[],
  values: OptionValues,
): JsonObject[] {
  const known = objectsIn(holder.options)
  const [next, ...rest] = subcommands
  if (next !== undefined) {
    const sub = known.find(({ name, type }) => name === next && (type === 1 || type === 2))
    if (sub === undefined) throw new StandInError(`No subcommand ${next} in ${String(holder.name)}`)
    return [{ type: sub.type, name: next, options: fillLevel(filling, sub, rest, values) }]
  }
  for (const name of Object.keys(values)) {
    if (!known.some((option) => option.name === name)) {
      throw new StandInError(`/${String(holder.name)} has no option ${name}`)
    }
  }
  return known.flatMap((option) => {
    const name = String(option.name)
    const value = values[name]
    if (value !== undefined) return [{ name, type: option.type, value: fillValue(filling, option, value) }]
    if (option.required === true) throw new StandInError(`/${String(holder.name)} needs the option ${name}`)
    return []
  })
}

function fillValue(filling: Filling, option: JsonObject, value: OptionValue): string | number | boolean {
  if (typeof value === 'object') {
    if (option.type !== Type.Attachment) throw new StandInError(`Option ${String(option.name)} takes no file`)
    return resolveUpload(filling, value)
  }
  if (option.type === Type.String) return checkText(option, String(value))
  if (option.type === Type.Integer || option.type === Type.Number) return checkNumber(option, Number(value))
  if (option.type === Type.Boolean) return value === true
  return resolveNamed(filling, option, String(value))
}

function checkText(option: JsonObject, text: string): string {
  const choices = objectsIn(option.choices).map((choice) => choice.value)
  const least = typeof option.min_length === 'number' ? option.min_length : 1
  const most = typeof option.max_length === 'number' ? option.max_length : 6000
  const fits = text.length >= least && text.length <= most
  if (!fits || (choices.length > 0 && !choices.includes(text))) {
    throw new StandInError(
      `Option ${String(option.name)} does not take this text of ${text.length} characters`,
    )
  }
  return text
}

function checkNumber(option: JsonObject, number: number): number {
  const least = typeof option.min_value === 'number' ? option.min_value : Number.NEGATIVE_INFINITY
  const most = typeof option.max_value === 'number' ? option.max_value : Number.POSITIVE_INFINITY
  const whole = option.type !== Type.Integer || Number.isInteger(number)
  const choices = objectsIn(option.choices).map((choice) => choice.value)
  if (!whole || !(number >= least && number <= most) || (choices.length > 0 && !choices.includes(number))) {
    throw new StandInError(`Option ${String(option.name)} does not take ${number}`)
  }
  return number
}

function resolveUpload({ platform, channel, resolved }: Filling, upload: Upload): string {
  const attachment = attachmentFrom(platform, upload)
  const rendered = platform.cdn.render(attachment, channel.id, true)
  resolved.attachments = { ...resolved.attachments, [attachment.id]: rendered }
  return attachment.id
}

function resolveNamed(filling: Filling, option: JsonObject, name: string): string {
  const { platform, resolved } = filling
  const { world, clock } = platform
  const guild = world.guilds.get(filling.channel.guildId ?? '')
  if (option.type === Type.Channel) {
    const channel = world.channel(name)
    resolved.channels = {
      ...resolved.channels,
      [channel.id]: { ...renderChannel(channel, world), permissions: '0' },
    }
    return channel.id
  }
  const role = [...(guild?.roles.values() ?? [])].find((one) => one.name === name || one.id === name)
  if (role !== undefined && (option.type === Type.Role || option.type === Type.Mentionable)) {
    resolved.roles = { ...resolved.roles, [role.id]: renderRole(role) }
    return role.id
  }
  if (option.type === Type.Role) throw new StandInError(`No role named ${name}`)
  const user = world.user(name)
  const member = guild?.members.get(user.id)
  resolved.users = { ...resolved.users, [user.id]: renderUser(user) }
  if (member !== undefined) {
    const rendered = { ...renderMember(member, clock.now()), permissions: '0' }
    resolved.members = { ...resolved.members, [user.id]: rendered }
  }
  return user.id
}
