import OpenAI from 'openai'

const [url = 'https://example.com/talk.mp4', text = 'What is shown first?'] = process.argv.slice(2)

// `npx longtake serve` listens here; a server of somebody else's wants a key.
const client = new OpenAI({
  baseURL: process.env.OPENAI_BASE_URL ?? 'http://127.0.0.1:8080/v1',
  apiKey: process.env.OPENAI_API_KEY ?? 'none',
})
const content = [
  { type: 'video_url', video_url: { url } },
  { type: 'text', text },
]
const stream = await client.chat.completions.create({
  model: '@longtake/tiny',
  // OpenAI's types know of no videos, its client passes them on all the same.
  messages: [{ role: 'user', content: content as never }],
  stream: true,
})
for await (const { choices } of stream) process.stdout.write(choices[0]?.delta.content ?? '')
console.log()
