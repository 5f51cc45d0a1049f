import { existsSync } from 'node:fs'
import { defineConfig } from 'vitepress'
import { anchorOf } from '../src/anchor.js'
import { adaptToSite } from './markdown.js'
import { GUIDE, referenceSidebar } from './sidebar.js'

const reference = referenceSidebar()

/** A site of its own at `/demo/`, where it was built. */
const hasDemo = existsSync(new URL('../../apps/browser-demo/dist', import.meta.url))
const demo = { text: 'Demo', link: '/demo/', target: '_self' }

export default defineConfig({
  title: 'Longtake',
  description: 'Ask questions about long videos from TypeScript.',
  lang: 'en',
  cleanUrls: true,
  rewrites: { 'decisions/README.md': 'decisions/index.md' },
  srcExclude: ['dist/**', 'node_modules/**'],
  head: [['link', { rel: 'icon', href: '/icon.svg', type: 'image/svg+xml' }]],
  // The largest files are the search index, loaded by who searches, and the reference of one package.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  markdown: { config: adaptToSite, anchor: { slugify: anchorOf } },
  themeConfig: {
    logo: '/icon.svg',
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [
      { text: 'Guide', link: '/guide/first-question', activeMatch: '^/guide/' },
      {
        text: 'How it works',
        link: '/methods/rearrangement',
        activeMatch: '^/(methods/|architecture|decisions/)',
      },
      { text: 'Recipes', link: '/recipes/api-server', activeMatch: '^/(recipes/|discord)' },
      { text: 'Reference', link: '/packages/runtime', activeMatch: '^/(packages|reference)/' },
      { text: 'Results', link: '/quality', activeMatch: '^/(quality|performance|comparison|tiny)' },
      ...(hasDemo ? [demo] : []),
    ],
    sidebar: { '/': GUIDE, '/packages/': reference, '/reference/': reference },
    footer: { message: 'Apache-2.0' },
  },
})
