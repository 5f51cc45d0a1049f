import { ButtonStyle, ComponentType } from 'discord-api-types/v10'
import type { JsonObject } from '../json.js'
import type { Form } from './form.js'
import { checkSelect, SELECT_TYPES } from './selects.js'

/** https://docs.discord.com/developers/components/reference#legacy-message-component-behavior */
const MOST_ROWS = 5
/** https://docs.discord.com/developers/components/reference#action-row */
const MOST_BUTTONS = 5
/** https://docs.discord.com/developers/components/reference#button-button-structure */
const LABEL_LENGTH = 80
const URL_LENGTH = 512
/** https://docs.discord.com/developers/components/reference#anatomy-of-a-component-custom-id */
const CUSTOM_ID_LENGTH = 100

/** Notes the custom ids of a message or modal; each may be there once. */
export class CustomIds {
  readonly #seen = new Set<string>()

  check(form: Form): string | undefined {
    const id = form.text({ required: true, min: 1, max: CUSTOM_ID_LENGTH, exact: true })
    if (id === undefined) return undefined
    if (this.#seen.has(id)) {
      form.refuse('COMPONENT_CUSTOM_ID_DUPLICATED', 'Component custom id cannot be duplicated')
    }
    this.#seen.add(id)
    return id
  }
}

/** Checks a message's rows of buttons and selects and gives them as they are kept, with their ids. */
export function checkComponents(form: Form): JsonObject[] {
  const ids = new CustomIds()
  const rows = form.list({ max: MOST_ROWS })
  for (const row of rows) {
    if (!row.object({ required: true })) continue
    if (row.field('type').choice([ComponentType.ActionRow], { required: true }) !== undefined) {
      checkRow(row, ids)
    }
  }
  return withIds(rows)
}

function checkRow(row: Form, ids: CustomIds): void {
  const children = row.field('components').list({ required: true, min: 1, max: MOST_BUTTONS })
  const types = children.map((child) =>
    child.object({ required: true })
      ? child.field('type').choice([ComponentType.Button, ...SELECT_TYPES], { required: true })
      : undefined,
  )
  const selects = types.filter((type) => type !== undefined && type !== ComponentType.Button)
  if (selects.length > 0 && types.length > 1) {
    row.field('components').refuse('COMPONENT_LAYOUT_WIDTH_EXCEEDED', 'A select menu fills its row')
  }
  children.forEach((child, index) => {
    if (types[index] === ComponentType.Button) checkButton(child, ids)
    else if (types[index] !== undefined) checkSelect(child, ids, false)
  })
}

/** https://docs.discord.com/developers/components/reference#button */
function checkButton(button: Form, ids: CustomIds): void {
  const styles = [
    ButtonStyle.Primary,
    ButtonStyle.Secondary,
    ButtonStyle.Success,
    ButtonStyle.Danger,
    ButtonStyle.Link,
  ]
  const style = button.field('style').choice(styles, { required: true })
  button.field('label').text({ max: LABEL_LENGTH })
  const emoji = button.field('emoji')
  if (emoji.object()) emoji.field('name').text({ required: emoji.field('id').absent, max: 64 })
  if (String(button.field('label').value ?? '').trim() === '' && emoji.absent) {
    button.refuse('BUTTON_COMPONENT_EMPTY', 'A button needs a label or an emoji')
  }
  button.field('disabled').boolean()
  if (style === ButtonStyle.Link) {
    button.field('url').link(['http', 'https', 'discord'], { required: true, max: URL_LENGTH })
    if (!button.field('custom_id').absent) {
      button.refuse(
        'BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE',
        'A custom id and url cannot both be specified',
      )
    }
  } else if (style !== undefined) {
    ids.check(button.field('custom_id'))
    if (!button.field('url').absent) {
      button.refuse('BUTTON_COMPONENT_INVALID_URL', 'Only link buttons have a url')
    }
  }
}

/** Components without an `id` get one, counted upwards. https://docs.discord.com/developers/components/reference#anatomy-of-a-component */
export function withIds(forms: readonly Form[]): JsonObject[] {
  let next = 1
  const numbered = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(numbered)
    if (typeof value !== 'object' || value === null || !('type' in value)) return value
    const id = 'id' in value && typeof value.id === 'number' && value.id > 0 ? value.id : next
    next = Math.max(next, id + 1)
    const component: JsonObject = { ...value, id }
    if (component.components !== undefined) component.components = numbered(component.components)
    if (component.component !== undefined) component.component = numbered(component.component)
    return component
  }
  return forms.map((form) => numbered(form.value)).filter((one): one is JsonObject => typeof one === 'object')
}
