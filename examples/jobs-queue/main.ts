import { openQueue } from '@longtake/jobs'
import { load } from '@longtake/runtime'

const [file = 'talk.mp4', ...questions] = process.argv.slice(2)
type Question = { readonly file: string; readonly question: string }

await using longtake = await load('@longtake/tiny')
// What was accepted is in this folder, and goes on after a crash.
await using queue = await openQueue<Question, { text: string }>({ folder: 'jobs' })

queue.work(async ({ job, signal, token }) => {
  await using video = await longtake.watch(job.file, { signal })
  const answer = video.ask(job.question, { signal })
  for await (const text of answer) token(text)
  return { text: (await answer).text }
})

for (const question of questions) {
  // Whoever submits the same question twice gets the same job; `key` is whose turn it is.
  const options = { key: 'ann', idempotencyKey: `${file} ${question}`, deadlineMs: 60_000 }
  const { id, existing } = await queue.submit({ file, question }, options)
  const { text } = await queue.result(id)
  console.log(`${question} ${text}${existing ? ' (asked before)' : ''}`)
}
