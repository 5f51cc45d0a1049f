import { pure } from './pure.js'

// biome-ignore lint/style/noDefaultExport: what Workers load is a default export.
export default { fetch: () => new Response(pure()) }
