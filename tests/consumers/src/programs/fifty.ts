import type { InputFrame, InspectOptions, Longtake, VideoInput, WatchOptions } from '@longtake/runtime'

/** A video of the repository, and what is asked about it. */
export interface AskedVideo {
  readonly file: string
  readonly questions: readonly string[]
}

export interface FiftyAnswers {
  /** One after the other; a watched video's mode comes before its questions. */
  readonly answers: readonly string[]
  /** Of the first token of three answers: a number for each of the vocabulary. */
  readonly logits: readonly (readonly number[])[]
}

const QUESTIONS = 50
const MODES: readonly WatchOptions[] = [
  { frames: 32 },
  { frames: 32, pooling: 'none' },
  { frames: 64, pooling: 'average', sampling: 'keyframe' },
]
const POOLINGS = ['none', 'average', 'guided'] as const

/** Asks the same 50 questions wherever it runs: 18 in each of three modes, but for the last four. */
export async function askFifty(
  longtake: Longtake,
  videos: readonly AskedVideo[],
  open: (file: string) => VideoInput,
): Promise<FiftyAnswers> {
  const answers: string[] = []
  for (const mode of MODES) {
    for (const { file, questions } of videos) {
      const video = await longtake.watch(open(file), mode)
      for (const question of questions.slice(0, QUESTIONS - answers.length)) {
        answers.push((await video.ask(question)).text)
      }
      await video.close()
    }
  }
  const logits = []
  for (const pooling of POOLINGS) logits.push(await firstLogits(longtake, pooling))
  return { answers, logits }
}

/** Of pictures that are the same everywhere: no decoder comes between. */
async function firstLogits(longtake: Longtake, pooling: InspectOptions['pooling']): Promise<number[]> {
  const question = 'What number is on the blue square?'
  const { logits } = await longtake.inspect(madePictures(16), { question, pooling, greedyTokens: 1 })
  const [, vocabulary = 0] = logits.dims
  return Array.from(logits.data.slice(-vocabulary))
}

function madePictures(count: number): InputFrame[] {
  return Array.from({ length: count }, (_, index) => ({
    rgb: new Uint8Array(20 * 16 * 3).map((_, place) => (place * 7 + index * 31) % 256),
    width: 20,
    height: 16,
  }))
}
