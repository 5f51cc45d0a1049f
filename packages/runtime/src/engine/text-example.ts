import type { Models } from './models.js'

/** Words of the example, about: enough for the range of most channels, and little work beside a video. */
const WORDS = 128

/** Any question: what stands after it does not depend on it. */
const ANY_QUESTION = 'what'

/**
 * Embeddings of text for which a quantised cache must have room besides the video: words from all over the
 * vocabulary, as questions and answers may have them, and the prompt's end, which every question has. Made from the
 * checkpoint alone, so that a cache does not depend on the question that is asked first.
 *
 * @returns `[tokens, D]`, at least one token.
 */
export async function exampleText(models: Models, signal?: AbortSignal): Promise<Float32Array> {
  const { checkpoint } = models
  const { vocabularySize } = checkpoint.model.spec.decoder
  const count = Math.min(WORDS, vocabularySize)
  const spread = Array.from({ length: count }, (_, place) => Math.floor((place * vocabularySize) / count))
  // Special tokens have no text, and never come in questions.
  const words = spread.filter((id) => checkpoint.decode([id]) !== '')
  return models.embed([...words, ...checkpoint.encodeQuestion(ANY_QUESTION).after], signal)
}
