import { ApplicationCommandOptionType as Type } from 'discord-api-types/v10'
import type { JsonObject } from '../json.js'
import { checkDescription, checkLocalisations, checkName } from './command-text.js'
import type { Form } from './form.js'

/** https://docs.discord.com/developers/interactions/application-commands#application-command-object-application-command-option-structure */
const MOST_OPTIONS = 25
const MOST_CHOICES = 25
const CHOICE_LENGTH = 100
const TEXT_LENGTH = 6000

const TYPES = Object.values(Type).filter((one): one is Type => typeof one === 'number')
const NESTING: readonly number[] = [Type.Subcommand, Type.SubcommandGroup]
const WITH_CHOICES: readonly number[] = [Type.String, Type.Integer, Type.Number]

/** Checks a command's options: unique names, required ones first, subcommands not mixed with values. */
export function checkOptions(form: Form, depth = 0): JsonObject[] {
  const forms = form.list({ max: MOST_OPTIONS })
  const options = forms.map((one) => checkOption(one, depth))
  const names = options.map(({ name }) => name)
  if (new Set(names).size < names.length) {
    form.refuse('APPLICATION_COMMAND_OPTIONS_NAME_INVALID', 'Option names must be unique')
  }
  const firstOptional = options.findIndex(({ required }) => required !== true)
  options.forEach(({ required }, index) => {
    if (required === true && firstOptional !== -1 && index > firstOptional) {
      forms[index]?.refuse(
        'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID',
        'Required options must be placed before non-required options',
      )
    }
  })
  const nested = options.filter(({ type }) => NESTING.includes(Number(type)))
  if (nested.length > 0 && nested.length < options.length) {
    form.refuse(
      'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID',
      'Sub-command and sub-command group option types are mutually exclusive to all other types',
    )
  }
  return options
}

function checkOption(form: Form, depth: number): JsonObject {
  form.object({ required: true })
  const type = form.field('type').choice(TYPES, { required: true })
  const mostDepth = type === Type.SubcommandGroup ? 0 : 1
  const nests = type !== undefined && NESTING.includes(type)
  if (nests && depth > mostDepth) {
    form
      .field('type')
      .refuse('APPLICATION_COMMAND_OPTIONS_TYPE_INVALID', 'Sub-commands cannot be nested here')
  }
  const choices = checkChoices(form.field('choices'), type)
  const autocomplete = form.field('autocomplete').boolean() ?? false
  if (autocomplete && choices.length > 0) {
    form
      .field('autocomplete')
      .refuse('APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID', 'Autocomplete may not be set with choices')
  }
  return {
    type,
    name: checkName(form.field('name'), true),
    name_localizations: checkLocalisations(form.field('name_localizations'), (one) => checkName(one, true)),
    description: checkDescription(form.field('description')),
    description_localizations: checkLocalisations(form.field('description_localizations'), checkDescription),
    ...(form.field('required').boolean() === true && { required: true }),
    ...(choices.length > 0 && { choices }),
    ...(autocomplete && { autocomplete }),
    ...checkRanges(form, type),
    ...(nests && { options: checkOptions(form.field('options'), depth + 1) }),
  }
}

function checkRanges(form: Form, type: Type | undefined): JsonObject {
  const ranges: JsonObject = {}
  if (type === Type.String) {
    ranges.min_length = form.field('min_length').integer({ min: 0, max: TEXT_LENGTH })
    ranges.max_length = form.field('max_length').integer({ min: 1, max: TEXT_LENGTH })
  }
  for (const name of ['min_value', 'max_value']) {
    const { value } = form.field(name)
    if (typeof value === 'number') ranges[name] = value
    else if (!form.field(name).absent) form.field(name).refuse('NUMBER_TYPE_COERCE', 'Value is not a number.')
  }
  const channels = form.field('channel_types').list()
  if (channels.length > 0) ranges.channel_types = channels.map((one) => one.integer({ min: 0 }))
  return Object.fromEntries(Object.entries(ranges).filter(([, value]) => value !== undefined))
}

function checkChoices(form: Form, type: Type | undefined): JsonObject[] {
  const choices = form.list({ max: MOST_CHOICES })
  if (choices.length > 0 && !WITH_CHOICES.includes(type ?? 0)) {
    form.refuse('APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID', 'This option type has no choices')
  }
  return choices.map((choice) => ({
    name: choice.field('name').text({ required: true, min: 1, max: CHOICE_LENGTH }),
    name_localizations: checkLocalisations(choice.field('name_localizations'), (one) =>
      one.text({ required: true, min: 1, max: CHOICE_LENGTH }),
    ),
    value:
      type === Type.String
        ? choice.field('value').text({ required: true, min: 1, max: CHOICE_LENGTH, exact: true })
        : choice.field('value').integer({ required: true }),
  }))
}

/** Checks what an app proposes while somebody types. https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-autocomplete */
export function checkSuggestions(form: Form): JsonObject[] {
  return form
    .field('choices')
    .list({ required: true, max: MOST_CHOICES })
    .map((choice) => {
      const { value } = choice.field('value')
      const kept =
        typeof value === 'number' ? value : choice.field('value').text({ required: true, max: CHOICE_LENGTH })
      return { name: choice.field('name').text({ required: true, min: 1, max: CHOICE_LENGTH }), value: kept }
    })
}
