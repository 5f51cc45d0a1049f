export type { StandInClock } from './clock.js'
export type { OptionValue, OptionValues } from './driver/command-input.js'
export type { Counts, Discord } from './driver/discord.js'
export type { Interaction } from './driver/interaction.js'
export type { ModalValues } from './driver/modal-input.js'
export type { MessageTarget, Person, Place, SendOptions } from './driver/person.js'
export type { SeenAttachment, SeenComponent, SeenMessage } from './driver/seen-message.js'
export type { Upload } from './driver/upload.js'
export type { FaultOptions, Trouble } from './faults.js'
export { parseMarkdown, shownText } from './markdown/markdown.js'
export type { Block, Inline, TextBlock } from './markdown/nodes.js'
export type { LoggedRequest } from './rest/rest-server.js'
export { type DiscordOptions, startDiscord } from './stand-in.js'
export { StandInError } from './stand-in-error.js'
export type {
  ChannelOptions,
  GuildOptions,
  OverwriteOptions,
  PermissionName,
  PrivilegedIntent,
  UserOptions,
} from './world/build-world.js'
export type { Pings } from './world/records.js'
