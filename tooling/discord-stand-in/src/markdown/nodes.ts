/** What Discord's clients make of a piece of a line. */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'bold' | 'italic' | 'underline' | 'strike' | 'spoiler'
      readonly children: readonly Inline[]
    }
  | { readonly kind: 'code'; readonly text: string }
  /** `isMasked`: another text than the address stands for it. */
  | {
      readonly kind: 'link'
      readonly url: string
      readonly isMasked: boolean
      readonly children: readonly Inline[]
    }
  /** Of a user, role, channel or command, of everyone or here; an emoji of a server; a time. */
  | { readonly kind: 'mention'; readonly text: string }

/** A line, or several. */
export interface TextBlock {
  readonly kind: 'line' | 'heading' | 'small' | 'quote' | 'item'
  readonly children: readonly Inline[]
}

/** What Discord's clients make of lines. */
export type Block = TextBlock | { readonly kind: 'code'; readonly text: string }
