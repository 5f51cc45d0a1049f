import type { JsonObject } from '../json.js'

/**
 * A refusal in Discord's form, thrown by routes and written by the server.
 * https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: number
  readonly errors: JsonObject | undefined

  constructor(status: number, code: number, message: string, errors?: JsonObject) {
    super(message)
    this.status = status
    this.code = code
    this.errors = errors
  }

  get body(): JsonObject {
    return { message: this.message, code: this.code, ...(this.errors && { errors: this.errors }) }
  }
}

/** Refusals by name; the codes are from the table that `ApiError` links to. */
export const refusals = {
  unauthorized: () => new ApiError(401, 0, '401: Unauthorized'),
  notFound: () => new ApiError(404, 0, '404: Not Found'),
  methodNotAllowed: () => new ApiError(405, 0, '405: Method Not Allowed'),
  badRequest: () => new ApiError(400, 0, '400: Bad Request'),
  invalidJson: () => new ApiError(400, 50109, 'The request body contains invalid JSON.'),
  requestTooLarge: () => new ApiError(413, 40005, 'Request entity too large'),
  unknownChannel: () => new ApiError(404, 10003, 'Unknown Channel'),
  unknownGuild: () => new ApiError(404, 10004, 'Unknown Guild'),
  unknownMember: () => new ApiError(404, 10007, 'Unknown Member'),
  unknownMessage: () => new ApiError(404, 10008, 'Unknown Message'),
  unknownUser: () => new ApiError(404, 10013, 'Unknown User'),
  unknownWebhook: () => new ApiError(404, 10015, 'Unknown Webhook'),
  unknownApplication: () => new ApiError(404, 10002, 'Unknown Application'),
  unknownInteraction: () => new ApiError(404, 10062, 'Unknown interaction'),
  unknownCommand: () => new ApiError(404, 10063, 'Unknown application command'),
  missingAccess: () => new ApiError(403, 50001, 'Missing Access'),
  notAuthor: () => new ApiError(403, 50005, 'Cannot edit a message authored by another user'),
  emptyMessage: () => new ApiError(400, 50006, 'Cannot send an empty message'),
  closedDirectMessages: () => new ApiError(403, 50007, 'Cannot send messages to this user'),
  missingPermissions: () => new ApiError(403, 50013, 'Missing Permissions'),
  expiredToken: () => new ApiError(401, 50027, 'Invalid Webhook Token'),
  wrongChannelType: () => new ApiError(400, 50024, 'Cannot execute action on this channel type'),
  alreadyAcknowledged: () => new ApiError(400, 40060, 'Interaction has already been acknowledged.'),
  archivedThread: () => new ApiError(400, 50083, 'Thread is archived'),
  lockedThread: () => new ApiError(400, 160005, 'Thread is locked'),
  cannotReadHistory: () =>
    new ApiError(400, 160002, 'Cannot reply without permission to read message history'),
  threadExists: () => new ApiError(400, 160004, 'A thread has already been created for this message'),
  followupsSpent: () =>
    new ApiError(400, 40094, 'This interaction has reached the maximum number of follow up messages'),
}
