import { ApplicationCommandType } from 'discord-api-types/v10'
import { isObject, type JsonObject } from '../json.js'
import { checkOptions } from './command-options.js'
import { checkDescription, checkLocalisations, checkName } from './command-text.js'
import type { Form } from './form.js'

/** https://docs.discord.com/developers/interactions/application-commands#slash-commands */
const SIZE = 8000

/** Checks a command as a whole and gives its fields as they are kept. */
export function checkCommand(form: Form): JsonObject & { readonly type: number; readonly name: string } {
  form.object({ required: true })
  const types = [
    ApplicationCommandType.ChatInput,
    ApplicationCommandType.User,
    ApplicationCommandType.Message,
  ]
  const type = form.field('type').choice(types) ?? ApplicationCommandType.ChatInput
  const slash = type === ApplicationCommandType.ChatInput
  const name = checkName(form.field('name'), slash)
  const description = slash ? checkDescription(form.field('description')) : refuseDescription(form)
  const names = checkLocalisations(form.field('name_localizations'), (one) => checkName(one, slash))
  const descriptions = checkLocalisations(form.field('description_localizations'), checkDescription)
  const options = slash ? checkOptions(form.field('options')) : []
  const size = sizeOf(form.value)
  if (slash && size > SIZE) {
    form.refuse('APPLICATION_COMMAND_TOO_LARGE', `Command exceeds maximum size (${SIZE})`)
  }
  return {
    type,
    name: name ?? '',
    name_localizations: names,
    description: description ?? '',
    description_localizations: descriptions,
    ...(slash && options.length > 0 && { options }),
    default_member_permissions: checkPermissions(form.field('default_member_permissions')),
    nsfw: form.field('nsfw').boolean() ?? false,
    contexts: checkSet(form.field('contexts'), [0, 1, 2]) ?? null,
    integration_types: checkSet(form.field('integration_types'), [0, 1]) ?? [0],
  }
}

function refuseDescription(form: Form): string {
  if (form.field('description').text() !== undefined && form.field('description').value !== '') {
    form
      .field('description')
      .refuse('APPLICATION_COMMAND_INVALID_DESCRIPTION', 'Context menu commands cannot have description')
  }
  return ''
}

function checkPermissions(form: Form): string | null {
  return form.snowflake() ?? null
}

function checkSet(form: Form, values: readonly number[]): number[] | undefined {
  if (form.absent) return undefined
  const chosen = form
    .list({ min: 1, max: values.length })
    .map((one) => one.choice(values, { required: true }))
  if (new Set(chosen).size < chosen.length)
    form.refuse('SET_TYPE_CONTAINS_DUPLICATES', 'Values must be unique')
  return chosen.filter((one) => one !== undefined)
}

/** Characters that names, descriptions and values take, each counted at its longest translation. */
function sizeOf(value: unknown): number {
  if (!isObject(value)) return 0
  const longest = (name: string): number => {
    const translated = value[`${name}_localizations`]
    const texts = [value[name], ...(isObject(translated) ? Object.values(translated) : [])]
    return Math.max(0, ...texts.map((text) => (typeof text === 'string' ? text.length : 0)))
  }
  const nested = [value.options, value.choices].flatMap((list) => (Array.isArray(list) ? list : []))
  const own =
    longest('name') + longest('description') + (typeof value.value === 'string' ? value.value.length : 0)
  return own + nested.reduce<number>((sum, one) => sum + sizeOf(one), 0)
}
