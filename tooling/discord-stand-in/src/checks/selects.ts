import { ComponentType } from 'discord-api-types/v10'
import type { CustomIds } from './components.js'
import type { Form } from './form.js'

export const SELECT_TYPES = [
  ComponentType.StringSelect,
  ComponentType.UserSelect,
  ComponentType.RoleSelect,
  ComponentType.MentionableSelect,
  ComponentType.ChannelSelect,
] as const

/** https://docs.discord.com/developers/components/reference#string-select-string-select-structure */
const MOST_OPTIONS = 25
const PLACEHOLDER_LENGTH = 150
/** https://docs.discord.com/developers/components/reference#string-select-select-option-structure */
const OPTION_LENGTH = 100

/** Checks a select menu; in a modal it may be required and must not be disabled. */
export function checkSelect(select: Form, ids: CustomIds, inModal: boolean): void {
  ids.check(select.field('custom_id'))
  select.field('placeholder').text({ max: PLACEHOLDER_LENGTH })
  const least = select.field('min_values').integer({ min: 0, max: MOST_OPTIONS }) ?? 1
  const most = select.field('max_values').integer({ min: 1, max: MOST_OPTIONS }) ?? 1
  if (least > most && !select.field('max_values').absent) {
    select
      .field('max_values')
      .refuse('NUMBER_TYPE_MIN', `int value should be greater than or equal to ${least}.`)
  }
  const disabled = select.field('disabled').boolean()
  if (inModal && disabled === true) {
    select.field('disabled').refuse('COMPONENT_DISABLED_IN_MODAL', 'Modals cannot have disabled components')
  }
  const required = select.field('required').boolean() ?? inModal
  if (inModal && required && least === 0) {
    select.field('min_values').refuse('NUMBER_TYPE_MIN', 'int value should be greater than or equal to 1.')
  }
  if (select.field('type').value === ComponentType.StringSelect) checkOptions(select, least, most)
}

function checkOptions(select: Form, least: number, most: number): void {
  const options = select.field('options').list({ required: true, min: 1, max: MOST_OPTIONS })
  const values = new Set<string>()
  for (const option of options) {
    if (!option.object({ required: true })) continue
    option.field('label').text({ required: true, min: 1, max: OPTION_LENGTH })
    option.field('description').text({ max: OPTION_LENGTH })
    option.field('default').boolean()
    const value = option.field('value').text({ required: true, min: 1, max: OPTION_LENGTH, exact: true })
    if (value !== undefined && values.has(value)) {
      option
        .field('value')
        .refuse('SELECT_COMPONENT_OPTION_VALUE_DUPLICATED', 'The specified option value is already used')
    }
    values.add(value ?? '')
  }
  if (options.length > 0 && (least > options.length || most > options.length)) {
    select
      .field(least > options.length ? 'min_values' : 'max_values')
      .refuse('NUMBER_TYPE_MAX', `int value should be less than or equal to ${options.length}.`)
  }
}
