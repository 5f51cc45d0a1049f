import { LANGUAGES, type Language, type Refusal } from '../texts/texts.js'

/** Something is not taken on; the asker alone is told why. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly refusal: Refusal
  readonly detail: string

  /** @param detail - A name or number that the words for it need; safe to show. */
  constructor(refusal: Refusal, detail: string | number = '', options?: ErrorOptions) {
    super(refusal, options)
    this.refusal = refusal
    this.detail = String(detail)
  }

  textIn(language: Language): string {
    return LANGUAGES[language].refused[this.refusal](this.detail)
  }
}
