import { createLongtake } from '@longtake/ai'
import { streamText } from 'ai'

const [file = 'talk.mp4', prompt = 'What is shown first?'] = process.argv.slice(2)

await using longtake = createLongtake()
const result = streamText({
  model: longtake('@longtake/tiny', { frames: 32 }),
  prompt,
  // A file of this machine is named here, never in a prompt, which may be a stranger's. Bytes and links go into a
  // file part: { type: 'file', mediaType: 'video/mp4', data: new URL('https://example.com/talk.mp4') }.
  providerOptions: { longtake: { video: file } },
})
for await (const text of result.textStream) process.stdout.write(text)

const { outputTokens } = await result.usage
console.log(`\n${outputTokens} tokens`)
