import { ComponentType, TextInputStyle } from 'discord-api-types/v10'
import type { JsonObject } from '../json.js'
import { CustomIds, withIds } from './components.js'
import type { Form } from './form.js'
import { checkSelect, SELECT_TYPES } from './selects.js'

/** https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-modal */
const TITLE_LENGTH = 45
const MOST_COMPONENTS = 5
/** https://docs.discord.com/developers/components/reference#label-label-structure */
const LABEL_LENGTH = 45
const DESCRIPTION_LENGTH = 100
/** https://docs.discord.com/developers/components/reference#text-input-text-input-structure */
const INPUT_LENGTH = 4000
const PLACEHOLDER_LENGTH = 100
/** https://docs.discord.com/developers/components/reference#file-upload */
const MOST_FILES = 10

/** A form that pops up, as it is kept: components with their ids. */
export interface CheckedModal {
  readonly customId: string
  readonly title: string
  readonly components: JsonObject[]
}

/** Checks a modal's body: text inputs in rows, or fields under labels. */
export function checkModal(form: Form): CheckedModal {
  const ids = new CustomIds()
  const customId = form.field('custom_id').text({ required: true, min: 1, max: 100, exact: true })
  const title = form.field('title').text({ required: true, min: 1, max: TITLE_LENGTH })
  const parts = form.field('components').list({ required: true, min: 1, max: MOST_COMPONENTS })
  for (const part of parts) {
    if (!part.object({ required: true })) continue
    const types = [ComponentType.ActionRow, ComponentType.TextDisplay, ComponentType.Label] as const
    const type = part.field('type').choice(types, { required: true })
    if (type === ComponentType.ActionRow) checkInputRow(part, ids)
    if (type === ComponentType.TextDisplay) {
      part.field('content').text({ required: true, min: 1, max: INPUT_LENGTH })
    }
    if (type === ComponentType.Label) checkLabel(part, ids)
  }
  return { customId: customId ?? '', title: title ?? '', components: withIds(parts) }
}

function checkInputRow(row: Form, ids: CustomIds): void {
  for (const input of row.field('components').list({ required: true, min: 1, max: 1 })) {
    if (input.field('type').choice([ComponentType.TextInput], { required: true }) === undefined) continue
    input.field('label').text({ required: true, min: 1, max: LABEL_LENGTH })
    checkTextInput(input, ids)
  }
}

function checkLabel(label: Form, ids: CustomIds): void {
  label.field('label').text({ required: true, min: 1, max: LABEL_LENGTH })
  label.field('description').text({ max: DESCRIPTION_LENGTH })
  const child = label.field('component')
  if (!child.object({ required: true })) return
  const types = [ComponentType.TextInput, ComponentType.FileUpload, ...SELECT_TYPES] as const
  const type = child.field('type').choice(types, { required: true })
  if (type === ComponentType.TextInput) checkTextInput(child, ids)
  else if (type === ComponentType.FileUpload) checkFileUpload(child, ids)
  else if (type !== undefined) checkSelect(child, ids, true)
}

function checkTextInput(input: Form, ids: CustomIds): void {
  ids.check(input.field('custom_id'))
  input.field('style').choice([TextInputStyle.Short, TextInputStyle.Paragraph], { required: true })
  const least = input.field('min_length').integer({ min: 0, max: INPUT_LENGTH }) ?? 0
  const most = input.field('max_length').integer({ min: 1, max: INPUT_LENGTH }) ?? INPUT_LENGTH
  if (least > most) {
    input
      .field('max_length')
      .refuse('NUMBER_TYPE_MIN', `int value should be greater than or equal to ${least}.`)
  }
  input.field('required').boolean()
  input.field('placeholder').text({ max: PLACEHOLDER_LENGTH })
  input.field('value').text({ max: Math.min(most, INPUT_LENGTH), exact: true })
}

function checkFileUpload(upload: Form, ids: CustomIds): void {
  ids.check(upload.field('custom_id'))
  upload.field('min_values').integer({ min: 0, max: MOST_FILES })
  upload.field('max_values').integer({ min: 1, max: MOST_FILES })
  upload.field('required').boolean()
}
