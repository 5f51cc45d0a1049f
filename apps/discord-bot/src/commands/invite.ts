import { PermissionFlagsBits } from 'discord.js'

/** What the bot needs in a channel to answer there, by the names that Discord shows. */
export const NEEDED_PERMISSIONS = {
  ViewChannel: 'View Channel',
  SendMessages: 'Send Messages',
  SendMessagesInThreads: 'Send Messages in Threads',
  AttachFiles: 'Attach Files',
  ReadMessageHistory: 'Read Message History',
} as const satisfies Partial<Record<keyof typeof PermissionFlagsBits, string>>

export type NeededPermission = keyof typeof NEEDED_PERMISSIONS

/** The addresses that add the bot to a server, with exactly what it needs, and to a person's own account. */
export function inviteLinks(applicationId: string): { readonly server: string; readonly user: string } {
  const permissions = Object.keys(NEEDED_PERMISSIONS)
    .map((name) => PermissionFlagsBits[name as NeededPermission])
    .reduce((all, one) => all | one, 0n)
  const link = (fields: Readonly<Record<string, string>>): string =>
    `https://discord.com/oauth2/authorize?${new URLSearchParams({ client_id: applicationId, ...fields })}`
  return {
    server: link({
      integration_type: '0',
      scope: 'bot applications.commands',
      permissions: permissions.toString(),
    }),
    user: link({ integration_type: '1', scope: 'applications.commands' }),
  }
}
