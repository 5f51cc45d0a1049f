import { existsSync, readFileSync } from 'node:fs'
import type { DefaultTheme } from 'vitepress'

type Item = DefaultTheme.SidebarItem

export const GUIDE: Item[] = [
  {
    text: 'Guide',
    items: [
      { text: 'The first question', link: '/guide/first-question' },
      { text: 'Options that matter', link: '/guide/options' },
      { text: 'Follow-ups and caches', link: '/guide/follow-ups' },
      { text: 'What an answer rests on', link: '/guide/evidence' },
      { text: 'Links', link: '/guide/links' },
      { text: 'Memory and isolation', link: '/guide/memory' },
      { text: 'Errors', link: '/guide/errors' },
    ],
  },
  {
    text: 'How it works',
    items: [
      { text: 'Rearrangement', link: '/methods/rearrangement' },
      { text: 'Context extension', link: '/methods/context-extension' },
      { text: 'KV-cache compression', link: '/methods/kv-cache' },
      { text: 'Prompt-guided pooling', link: '/methods/pooling' },
      { text: 'Longer questions', link: '/methods/text-context' },
      { text: 'Architecture', link: '/architecture' },
      { text: 'Decisions', link: '/decisions/' },
    ],
  },
  {
    text: 'Recipes',
    items: [
      { text: 'An API server', link: '/recipes/api-server' },
      { text: 'A bot in Discord', link: '/discord' },
      { text: 'Bun', link: '/recipes/bun' },
      { text: 'Deno', link: '/recipes/deno' },
      { text: 'Cloudflare Workers', link: '/recipes/workers' },
      { text: 'In the browser', link: '/recipes/browser' },
      { text: 'Docker', link: '/recipes/docker' },
      { text: 'AI SDK', link: '/recipes/ai-sdk' },
      { text: 'Agents (MCP)', link: '/recipes/mcp' },
      { text: 'Your own model, elsewhere', link: '/recipes/remote-model' },
      { text: 'Models from a hub', link: '/recipes/hub-models' },
    ],
  },
  {
    text: 'Results',
    items: [
      { text: 'Quality', link: '/quality' },
      { text: 'Performance', link: '/performance' },
      { text: 'Where it runs', link: '/where-it-runs' },
      { text: 'Comparison', link: '/comparison' },
      { text: 'The embedded model', link: '/tiny-checkpoint' },
    ],
  },
  {
    text: 'When something is wrong',
    items: [
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: 'Dependencies', link: '/dependencies' },
      { text: 'Releasing', link: '/releasing' },
    ],
  },
]

const PACKAGES = ['core', 'kernels', 'runtime', 'tiny', 'jobs', 'ai', 'mcp', 'cli', 'edge-api', 'discord-bot']

/** The packages' READMEs and what TypeDoc wrote. */
export function referenceSidebar(): Item[] {
  const written = new URL('../reference/typedoc-sidebar.json', import.meta.url)
  const api: Item[] = existsSync(written) ? JSON.parse(readFileSync(written, 'utf8')) : []
  const packages = PACKAGES.map((name) => ({ text: `@longtake/${name}`, link: `/packages/${name}` }))
  return [
    { text: 'Packages', items: packages },
    { text: 'API', items: api },
  ]
}
