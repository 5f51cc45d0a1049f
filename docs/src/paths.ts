import { fileURLToPath } from 'node:url'

/** The repository's root; `src` and `dist` lie at the same depth. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const DOCS = fileURLToPath(new URL('..', import.meta.url))
