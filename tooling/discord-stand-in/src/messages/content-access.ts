import { isObject, type JsonObject, objectsIn } from '../json.js'
import { withoutContent } from './render-message.js'

/**
 * Takes text and files out of a message that an app without the message content intent may not read. Its own
 * messages, direct messages and messages that mention it keep them.
 * https://docs.discord.com/developers/events/gateway#message-content-intent
 */
export function readableMessage(message: JsonObject, botId: string, inGuild: boolean): JsonObject {
  const author = isObject(message.author) ? message.author.id : undefined
  const mentioned = objectsIn(message.mentions).some(({ id }) => id === botId)
  const readable = !inGuild || author === botId || mentioned
  const referenced = message.referenced_message
  const shown = readable ? message : withoutContent(message)
  if (!isObject(referenced)) return shown
  return { ...shown, referenced_message: readableMessage(referenced, botId, inGuild) }
}
