import { Locale } from 'discord-api-types/v10'
import type { JsonObject } from '../json.js'
import type { Form } from './form.js'

/** https://docs.discord.com/developers/interactions/application-commands#application-command-object-application-command-naming */
const SLASH_NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u
const NAME_LENGTH = 32
const DESCRIPTION_LENGTH = 100
const LOCALES: readonly string[] = Object.values(Locale)

export function checkName(form: Form, slash: boolean): string | undefined {
  const name = form.text({ required: true, min: 1, max: NAME_LENGTH, exact: slash })
  if (name === undefined || !slash) return name
  if (!SLASH_NAME.test(name) || name !== name.toLowerCase()) {
    form.refuse('APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid')
  }
  return name
}

export function checkDescription(form: Form): string | undefined {
  return form.text({ required: true, min: 1, max: DESCRIPTION_LENGTH })
}

/** A text per language. https://docs.discord.com/developers/reference#locales */
export function checkLocalisations(form: Form, check: (one: Form) => string | undefined): JsonObject | null {
  if (!form.object()) return null
  return Object.fromEntries(
    Object.keys(form.value).map((locale) => {
      if (!LOCALES.includes(locale)) {
        form.refuse('DICT_TYPE_CONVERT', `Value must be one of {${LOCALES.join(', ')}}.`)
      }
      return [locale, form.field(locale).absent ? null : check(form.field(locale))]
    }),
  )
}
