import type { AllowedMentions } from '../messages/mentions.js'
import type { Form } from './form.js'

/** https://docs.discord.com/developers/resources/message#allowed-mentions-object */
const MOST_IDS = 100

/** Checks `allowed_mentions`: a kind that `parse` allows as a whole must not list ids as well. */
export function checkAllowedMentions(form: Form): AllowedMentions | undefined {
  if (!form.object()) return undefined
  const parse = form.field('parse').list({ max: 3 })
  const kinds = parse.map((one) => one.choice(['roles', 'users', 'everyone'], { required: true }))
  const ids = (name: 'users' | 'roles') =>
    form
      .field(name)
      .list({ max: MOST_IDS })
      .map((one) => one.snowflake({ required: true }) ?? '')
  const users = ids('users')
  const roles = ids('roles')
  for (const [kind, listed] of [
    ['users', users],
    ['roles', roles],
  ] as const) {
    if (kinds.includes(kind) && listed.length > 0) {
      form.refuse(
        'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE',
        `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`,
      )
    }
  }
  const replied = form.field('replied_user').boolean() ?? false
  return { parse: kinds.filter((kind) => kind !== undefined), users, roles, replied_user: replied }
}
