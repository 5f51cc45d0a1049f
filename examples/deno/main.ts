import { load } from '@longtake/runtime'

const [file = 'talk.mp4', question = 'What number is on the blue square?'] = process.argv.slice(2)

// An installed package, a folder in the Hugging Face layout, or a model that `longtake pull` has fetched.
await using longtake = await load('@longtake/tiny')
// Opens, samples, encodes and rearranges; once for all questions.
await using video = await longtake.watch(file)
const answer = video.ask(question)
for await (const text of answer) process.stdout.write(text)

// The answer is also a promise of what it rests on.
const { frames, timings } = await answer
const best = frames.reduce((a, b) => (b.weight > a.weight ? b : a))
console.log(`\nmostly from ${best.timestamp.toFixed(1)} s, after ${timings.firstToken.toFixed(0)} ms`)
