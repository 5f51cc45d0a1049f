import { ComponentType } from 'discord-api-types/v10'
import type { CheckedModal } from '../checks/modal.js'
import { isObject, type JsonObject, objectsIn } from '../json.js'
import { StandInError } from '../stand-in-error.js'

/** What a person types or picks, by custom id. */
export type ModalValues = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * Fills a form as a client does. https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-modal-submit-data-structure
 * @throws {StandInError} Where a client would not let the person submit.
 */
export function fillModal(modal: CheckedModal, values: ModalValues): JsonObject {
  const asked = new Set<string>()
  const fill = (component: JsonObject): JsonObject => fillComponent(component, values, asked)
  const components = modal.components.map((part) => {
    const shared = { type: part.type, id: part.id }
    if (part.type === ComponentType.ActionRow)
      return { ...shared, components: objectsIn(part.components).map(fill) }
    if (isObject(part.component)) return { ...shared, component: fill(part.component) }
    return shared
  })
  const unknown = Object.keys(values).find((name) => !asked.has(name))
  if (unknown !== undefined) throw new StandInError(`The form has no field ${unknown}`)
  return { custom_id: modal.customId, components }
}

function fillComponent(component: JsonObject, values: ModalValues, asked: Set<string>): JsonObject {
  const name = String(component.custom_id)
  asked.add(name)
  const value = values[name]
  const shared = { type: component.type, id: component.id, custom_id: name }
  if (component.type !== ComponentType.TextInput) {
    const chosen = value === undefined ? [] : [value].flat()
    if (chosen.length === 0 && component.required !== false) throw new StandInError(`The form needs ${name}`)
    return { ...shared, values: chosen }
  }
  const text = String(value ?? component.value ?? '')
  const least = typeof component.min_length === 'number' ? component.min_length : 0
  const most = typeof component.max_length === 'number' ? component.max_length : 4000
  const missing = text === '' && component.required !== false
  if (missing || (text !== '' && text.length < least) || text.length > most) {
    throw new StandInError(`The form does not take ${text.length} characters for ${name}`)
  }
  return { ...shared, value: text }
}
