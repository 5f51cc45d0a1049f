/**
 * Characters that take no place: changes of direction, soft hyphens, fillers, separators, tags, byte-order marks, annotations;
 * but not those below.
 */
const INVISIBLE = /(?!\u200c|\u200d|\p{Variation_Selector})\p{Default_Ignorable_Code_Point}|[\ufff9-\uffff]/gu
/** Joiners make emoji and letters of some scripts; several in a row make nothing. */
const JOINERS = /[\u200c\u200d]{2,}|^[\u200c\u200d]+|[\u200c\u200d]+(?=\s|$)|(?<=\s)[\u200c\u200d]+/gu
/** Variation selectors choose how one character looks. */
const SELECTORS = /(\p{Variation_Selector})\p{Variation_Selector}+/gu
/** Halves of characters outside of the basic plane. */
const HALF_CHARACTERS = /\p{Surrogate}/gu
/** Control characters but tab and line feed. */
const CONTROL = /(?![\t\n])\p{Cc}/gu
/** Marks stacked on one letter: more than any script needs. */
const STACKED = /(\p{M}{4})\p{M}+/gu
const LINE_ENDS = /\r\n?|[\u0085\u2028\u2029\v\f]/gu
const MANY_LINES = /\n[\t ]*(?:\n[\t ]*){2,}/gu
const LONG_SPACE = /[^\S\n]{16,}/gu

/** Every character that means something in Discord's Markdown, wherever it stands. */
const MARKDOWN = /[\\`*_~|[\]()<>#]/gu
/** Only a line's beginning makes these a list, or small text. */
const LINE_START = /^([\t ]*)([-+])/gmu
/** Numbers that would begin a numbered list. */
const NUMBERED = /^([\t ]*\d{1,9})([.)])/gmu
const SCHEME = /:(?=\/\/)/gu
/** Addresses of invitations, which Discord finds without a scheme too. */
const INVITE = /(discord(?:app)?|dsc)\.(?=gg\b|com\b|io\b|me\b|li\b)/giu
const ZERO_WIDTH_SPACE = '\u200b'

/**
 * Text of strangers as plain text: without control characters, changes of direction, and floods of what cannot be seen.
 *
 * @param most - Characters (UTF-16) that are kept; the rest is left out, and three dots say so.
 */
export function plainText(text: string, most: number): string {
  // What is left out below may be many times what is kept, so that only a multiple is looked at.
  const clean = text
    .slice(0, most * 4)
    .replace(HALF_CHARACTERS, '')
    .replace(LINE_ENDS, '\n')
    .replace(CONTROL, '')
    .replace(INVISIBLE, '')
    .replace(JOINERS, '')
    .replace(SELECTORS, '$1')
    .replace(STACKED, '$1')
    .replace(LONG_SPACE, ' ')
    .replace(MANY_LINES, '\n\n')
    .trim()
  return shortened(clean, most)
}

/**
 * Text of strangers for a message: it shows what it says, and does nothing. Markdown is shown as it is written, so there are no
 * headings, no hidden links, no code blocks to break out of; mentions, commands, emoji and times of Discord's are spelled out;
 * links can be read and copied, and not clicked; invitations are not found.
 *
 * @param most - Characters of the text before it is escaped; escapes at most double it.
 */
export function safeText(text: string, most: number): string {
  return plainText(text, most)
    .replace(MARKDOWN, '\\$&')
    .replace(LINE_START, '$1\\$2')
    .replace(NUMBERED, '$1\\$2')
    .replace(INVITE, '$1\\.')
    .replace(SCHEME, '\\:')
    .replaceAll('@', `@${ZERO_WIDTH_SPACE}`)
}

/** The same on one line, for a quotation. */
export function safeLine(text: string, most: number): string {
  return safeText(plainText(text, most * 2).replace(/\s+/gu, ' '), most)
}

/**
 * A piece of safe text that begins a line only because it was cut there: no list begins with it either.
 *
 * @returns The piece, longer by a character at most.
 */
export function safePiece(piece: string): string {
  return piece.replace(/^[-+]/, '\\$&').replace(/^(\d{1,9})\./, '$1\\.')
}

/** Cuts at a whole character. */
function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  const cut = text.slice(0, Math.max(0, most - 1)).replace(/[\ud800-\udbff]$/u, '')
  return `${cut.replace(/\p{M}+$/u, '').trimEnd()}…`
}
