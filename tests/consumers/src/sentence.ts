/** Refuses what a program said unless the sentence is in it, without the names of things that nobody asked about. */
export function requireSentence(said: string, sentence: RegExp): undefined {
  if (!sentence.test(said)) throw new Error(`It said: ${said}`)
}
