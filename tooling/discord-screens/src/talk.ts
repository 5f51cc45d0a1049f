import type { Engine } from '@longtake/discord-bot'

const PARAGRAPHS = [
  'The talk has four parts. It opens with the question of why bridges hum: the speaker plays a recording from a footbridge in the wind, and shows the same sound as a spectrum, with one line far above all others. That line is the frequency at which the deck swings most easily, and everything that follows is about who feeds it.',
  'The second part is an experiment on the table. A strip of steel between two clamps stands for the deck, a small fan for the wind. Below a certain speed nothing happens. Above it the strip begins to swing, and keeps swinging at the same rate although the fan turns faster and faster. A thicker strip sounds higher, and its threshold lies further up.',
  'Then comes the explanation, with three slides. Air leaves the edge of the strip in eddies, first on one side and then on the other. When eddies leave as often as the strip likes to swing, each of them pushes at the right moment, and the swing grows until friction takes out as much as the air puts in. Engineers call this lock-in, because the eddies then follow the strip and no longer the wind.',
  'The last part shows what was done about it. Three bridges are compared: one was given guide vanes below the edge, one a row of masses on springs under the deck, and one was simply made heavier. The table on the slide says that the vanes cost least and helped in all winds, the masses helped at one frequency only, and the weight moved the trouble to another wind speed. The speaker recommends to test a model in a tunnel before anything is built, and closes with the recording from the beginning, taken on the same bridge after the vanes were fitted: it is quiet.',
  'In the questions afterwards somebody asks about rain on cables, which the speaker calls a neighbouring problem with the same diagram, and somebody else asks where the strip and the fan can be borrowed.',
]

/** An engine that has seen a talk, and works on it as long as it is held. */
export interface HeldEngine extends Engine {
  /** Lets work go on. */
  release(): void
}

export function talkEngine(): HeldEngine {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  return {
    models: ['example-model'],
    release: () => release(),
    async run(_, { onProgress }) {
      onProgress({ stage: 'decode', done: 38, total: 64 })
      await released
      const evidence = [
        { timestampSeconds: 312, weight: 0.4 },
        { timestampSeconds: 1471, weight: 0.3 },
      ]
      const text = PARAGRAPHS.join('\n\n')
      return { text, durationSeconds: 2410, frames: 64, evidence, storyboard: undefined }
    },
    check: async () => {},
    close: async () => {},
  }
}
