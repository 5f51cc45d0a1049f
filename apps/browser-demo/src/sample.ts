/** A video of the miniature's world, beside the page. */
export const SAMPLE = new URL('sample.mp4', document.baseURI).href

/** What can be asked about it. */
export const SAMPLE_QUESTIONS = [
  'What caption is on the cyan circle?',
  'When does the yellow star come?',
  'Which shape is at the start of the video?',
  'The orange ring has which number?',
]
