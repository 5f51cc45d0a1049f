import { writeFile } from 'node:fs/promises'
import { load } from '@longtake/runtime'

const [file = 'talk.mp4', ...asked] = process.argv.slice(2)
const questions = asked.length > 0 ? asked : ['What is shown first?', 'What is shown last?']

// With a cache the encoded frames stay on disk, so that the next run of this program decodes nothing either.
await using longtake = await load('@longtake/tiny', { cache: true })
await using video = await longtake.watch(file, {
  onProgress: ({ stage, done, total }) => {
    if (done === total) console.error(`${stage}: done`)
  },
})

let weights: readonly number[] = []
for (const question of questions) {
  // Each question is answered from the video alone: it never sees the one before it.
  const { text, frames, timings } = await video.ask(question)
  weights = frames.map(({ weight }) => weight)
  console.log(`${question} ${text} (${timings.total.toFixed(0)} ms)`)
}

// A contact sheet of the sampled frames, those marked that the last answer rests on.
await writeFile('storyboard.png', await video.storyboard({ weights }))
console.log(`storyboard.png: ${video.plan.frames} frames`)
