import type { LinkPolicy } from '@longtake/runtime/link'
import { z } from 'zod'
import { list } from './environment.js'

const ports = list.pipe(
  z.array(
    z
      .string()
      .regex(/^\d{1,5}$/, 'expected ports, or `any`')
      .transform(Number),
  ),
)

/** Settings of where links may lead. */
export const linkSettings = {
  LONGTAKE_LINK_HOSTS: list.optional(),
  LONGTAKE_LINK_DENY_HOSTS: list.default([]),
  LONGTAKE_LINK_NETWORKS: list.default([]),
  LONGTAKE_LINK_PORTS: z.union([z.literal('any'), ports]).optional(),
}

/** What these settings say to `openLink`. */
export function linkPolicyOf(read: z.output<z.ZodObject<typeof linkSettings>>): LinkPolicy {
  return {
    ...(read.LONGTAKE_LINK_HOSTS && { allowHosts: read.LONGTAKE_LINK_HOSTS }),
    denyHosts: read.LONGTAKE_LINK_DENY_HOSTS,
    allowNetworks: read.LONGTAKE_LINK_NETWORKS,
    ...(read.LONGTAKE_LINK_PORTS && { ports: read.LONGTAKE_LINK_PORTS }),
  }
}
