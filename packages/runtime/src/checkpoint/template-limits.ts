/** Longest template; published ones have up to about 20,000 characters. */
export const MAX_TEMPLATE_CHARACTERS = 1 << 18
/** Longest prompt that a template may make of one question. */
export const MAX_PROMPT_CHARACTERS = 100_000
/** Templates take milliseconds, on a busy machine some tens. */
export const MAX_RENDER_MS = 5000
/** Until a thread runs, on a machine that is busy. */
export const MAX_START_MS = 60_000
