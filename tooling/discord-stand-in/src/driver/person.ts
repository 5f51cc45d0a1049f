import {
  ApplicationCommandType,
  ComponentType,
  InteractionType,
  MessageFlags,
  PermissionFlagsBits,
} from 'discord-api-types/v10'
import type { NewInteraction } from '../interactions/interaction-store.js'
import { interactionPayload } from '../interactions/payload.js'
import { type JsonObject, objectsIn } from '../json.js'
import { deleteMessage, editMessage, postMessage } from '../messages/post-message.js'
import { renderMessage } from '../messages/render-message.js'
import type { Platform } from '../platform.js'
import { isThread, sendingPermission } from '../routes/access.js'
import { directChannel } from '../routes/resource-routes.js'
import { openThread, wakeThread } from '../routes/thread-routes.js'
import { StandInError } from '../stand-in-error.js'
import { hasAll, permissionsIn } from '../world/permissions.js'
import type { ChannelRecord, MessageRecord, UserRecord } from '../world/records.js'
import { answersAlone, offeredCommand } from './command-access.js'
import { fillOptions, type OptionValues } from './command-input.js'
import { Interaction } from './interaction.js'
import { fillModal, type ModalValues } from './modal-input.js'
import { type SeenMessage, seenMessage } from './seen-message.js'
import { attachmentFrom, type Upload } from './upload.js'

/** A message, or its id. */
export type MessageTarget = string | { readonly id: string }

export interface SendOptions {
  readonly attachments?: readonly Upload[]
  readonly replyTo?: MessageTarget
  /** Whether a reply notifies the author of what it answers; default yes. */
  readonly pingReplied?: boolean
}

export interface Place {
  /** Name or id of a channel or thread, or `dm` for the direct messages with the bot. */
  readonly channel: string
}

/** Does what somebody does in a Discord client, within what the client would let them do. */
export class Person {
  readonly #platform: Platform
  readonly #user: UserRecord

  constructor(platform: Platform, user: UserRecord) {
    this.#platform = platform
    this.#user = user
  }

  get id(): string {
    return this.#user.id
  }

  /** Sends a slash command; `settings frames` is a subcommand. */
  slash(name: string, values: OptionValues, place: Place): Interaction {
    return this.#command(InteractionType.ApplicationCommand, name, values, place)
  }

  /** Stops typing in the option `focused`, so that the app proposes something. */
  autocomplete(name: string, focused: string, values: OptionValues, place: Place): Interaction {
    return this.#command(InteractionType.ApplicationCommandAutocomplete, name, values, place, focused)
  }

  /** Uses a message command. */
  menu(name: string, target: MessageTarget): Interaction {
    const message = this.#visible(target)
    const channel = this.#platform.world.channel(message.channelId)
    const { command, owners } = offeredCommand(
      this.#platform,
      this.#user,
      channel,
      name,
      ApplicationCommandType.Message,
    )
    const rendered = renderMessage(message, this.#platform.world, this.#platform.cdn)
    return this.#interact(
      {
        ...this.#shared(InteractionType.ApplicationCommand, channel, owners),
        command: name,
        targetMessageId: message.id,
      },
      {
        id: command.id,
        name,
        type: command.type,
        target_id: message.id,
        resolved: { messages: { [message.id]: rendered } },
        ...(command.guild_id !== undefined && { guild_id: command.guild_id }),
      },
    )
  }

  /** Presses a button, named by its custom id or its label. */
  press(button: string, target: MessageTarget): Interaction {
    return this.#component(target, ComponentType.Button, button, {})
  }

  /** Picks from a select menu, named by its custom id. */
  select(customId: string, values: readonly string[], target: MessageTarget): Interaction {
    return this.#component(target, ComponentType.StringSelect, customId, { values })
  }

  /** Fills and submits the form that an interaction popped up. */
  submitModal(from: Interaction, values: ModalValues): Interaction {
    const { modal, record } = from
    if (modal === undefined || record.userId !== this.id) throw new StandInError('No form is open')
    const channel = this.#platform.world.channel(record.channelId)
    return this.#interact(
      {
        ...this.#shared(InteractionType.ModalSubmit, channel, record.owners),
        sourceMessageId: record.sourceMessageId,
      },
      fillModal(modal, values),
    )
  }

  send(channelName: string, content: string, options: SendOptions = {}): SeenMessage {
    const channel = this.#place(channelName)
    this.#need(channel, sendingPermission(channel), 'write')
    const attachments = (options.attachments ?? []).map((one) => attachmentFrom(this.#platform, one))
    const target = options.replyTo === undefined ? undefined : this.#visible(options.replyTo)
    if (channel.thread?.locked)
      this.#need(channel, PermissionFlagsBits.ManageThreads, 'write, as it is locked,')
    channel.thread?.members.add(this.id)
    wakeThread(this.#platform, channel)
    const replied = options.pingReplied ?? true
    const message = postMessage(this.#platform, {
      channel,
      authorId: this.id,
      content,
      attachments,
      reference: target && { messageId: target.id, channelId: channel.id, guildId: channel.guildId },
      allowedMentions: { parse: ['users', 'roles', 'everyone'], replied_user: replied },
    })
    return seenMessage(this.#platform, message)
  }

  edit(target: MessageTarget, content: string): void {
    editMessage(this.#platform, this.#own(target), { content })
  }

  /** Deletes an own message, or anybody's with Manage Messages; an ephemeral one is dismissed. */
  delete(target: MessageTarget): void {
    const message = this.#visible(target)
    const channel = this.#platform.world.channel(message.channelId)
    if (message.authorId !== this.id && message.ephemeralFor !== this.id) {
      this.#need(channel, PermissionFlagsBits.ManageMessages, "delete others' messages")
    }
    deleteMessage(this.#platform, message)
  }

  /** Opens a thread on a message; gives the thread's id. */
  startThread(target: MessageTarget, name: string): string {
    const message = this.#visible(target)
    const channel = this.#platform.world.channel(message.channelId)
    this.#need(channel, PermissionFlagsBits.CreatePublicThreads, 'open threads')
    if (message.threadId !== undefined) throw new StandInError('The message has its thread already')
    const options = { name, archiveMinutes: 1440, id: message.id, ownerId: this.id }
    message.threadId = openThread(this.#platform, channel, options).id
    return message.threadId
  }

  /** The messages of a channel that this person sees, the oldest first; `dm` for those with the bot. */
  messages(channelName: string): SeenMessage[] {
    const channel = this.#place(channelName)
    if (!hasAll(this.#permissions(channel), PermissionFlagsBits.ViewChannel)) return []
    return this.#platform.world
      .messagesIn(channel.id)
      .filter(({ ephemeralFor }) => ephemeralFor === undefined || ephemeralFor === this.id)
      .map((message) => seenMessage(this.#platform, message))
  }

  #command(
    type: InteractionType,
    name: string,
    values: OptionValues,
    place: Place,
    focused?: string,
  ): Interaction {
    const [first = '', ...subcommands] = name.split(' ')
    const channel = this.#place(place.channel)
    const kind = ApplicationCommandType.ChatInput
    const { command, owners } = offeredCommand(this.#platform, this.#user, channel, first, kind)
    const { options, resolved } = fillOptions(this.#platform, channel, command, subcommands, values)
    return this.#interact(
      { ...this.#shared(type, channel, owners), command: name },
      {
        id: command.id,
        name: first,
        type: kind,
        options: focused === undefined ? options : withFocus(options, focused),
        resolved,
        ...(command.guild_id !== undefined && { guild_id: command.guild_id }),
      },
    )
  }

  #component(target: MessageTarget, type: ComponentType, name: string, extra: JsonObject): Interaction {
    const message = this.#visible(target)
    if ((message.flags & MessageFlags.Loading) !== 0) throw new StandInError('The message is still loading')
    const found = message.components
      .flatMap((row) => objectsIn(row.components))
      .find((one) => one.type === type && (one.custom_id === name || one.label === name))
    if (found === undefined) throw new StandInError(`The message has no ${name} to use`)
    if (found.disabled === true) throw new StandInError(`${name} is disabled`)
    const channel = this.#platform.world.channel(message.channelId)
    const owners = message.interaction?.owners ?? { 0: channel.guildId ?? '0' }
    return this.#interact(
      { ...this.#shared(InteractionType.MessageComponent, channel, owners), sourceMessageId: message.id },
      { component_type: type, custom_id: found.custom_id, id: found.id, ...extra },
    )
  }

  #shared(type: InteractionType, channel: ChannelRecord, owners: JsonObject): NewInteraction {
    return {
      type,
      userId: this.id,
      channelId: channel.id,
      guildId: channel.guildId,
      command: undefined,
      sourceMessageId: undefined,
      targetMessageId: undefined,
      owners,
      alwaysEphemeral: answersAlone(this.#platform, this.#user, channel, owners),
    }
  }

  #interact(details: NewInteraction, data: JsonObject): Interaction {
    const { interactions, world, cdn } = this.#platform
    const record = interactions.create(details)
    const source = world.messages.get(record.sourceMessageId ?? '')
    const message = source && renderMessage(source, world, cdn)
    const delivered = this.#platform.dispatch({
      name: 'INTERACTION_CREATE',
      guildId: record.guildId,
      data: interactionPayload(this.#platform, record, data, message),
    })
    return new Interaction(this.#platform, record, delivered)
  }

  #place(name: string): ChannelRecord {
    return name === 'dm' ? directChannel(this.#platform, this.id) : this.#platform.world.channel(name)
  }

  #permissions(channel: ChannelRecord): bigint {
    return permissionsIn(this.#platform.world, channel, this.id, this.#platform.clock.now())
  }

  #need(channel: ChannelRecord, wanted: bigint, what: string): void {
    if (!hasAll(this.#permissions(channel), wanted | PermissionFlagsBits.ViewChannel)) {
      const place = isThread(channel) ? 'this thread' : channel.name
      throw new StandInError(`${this.#user.name} may not ${what} in ${place}`)
    }
  }

  #visible(target: MessageTarget): MessageRecord {
    const id = typeof target === 'string' ? target : target.id
    const message = this.#platform.world.messages.get(id)
    const hidden = message?.ephemeralFor !== undefined && message.ephemeralFor !== this.id
    if (message === undefined || message.deleted || hidden)
      throw new StandInError(`No message ${id} to be seen`)
    this.#need(this.#platform.world.channel(message.channelId), PermissionFlagsBits.ViewChannel, 'look')
    return message
  }

  #own(target: MessageTarget): MessageRecord {
    const message = this.#visible(target)
    if (message.authorId !== this.id) throw new StandInError('Only own messages can be edited')
    return message
  }
}

function withFocus(options: readonly JsonObject[], focused: string): JsonObject[] {
  return options.map((option) => {
    if (Array.isArray(option.options))
      return { ...option, options: withFocus(objectsIn(option.options), focused) }
    return option.name === focused ? { ...option, focused: true } : option
  })
}
