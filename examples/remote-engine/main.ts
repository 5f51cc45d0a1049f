import { load } from '@longtake/runtime'

const [
  file = 'talk.mp4',
  question = 'What number is on the blue square?',
  // vLLM, llama.cpp's server, Ollama, a hosted model, or another Longtake. The key is LONGTAKE_REMOTE_KEY.
  model = 'openai:http://localhost:8000/v1#Qwen/Qwen2.5-VL-7B-Instruct',
  most = '16',
] = process.argv.slice(2)

// The video stays here: the guide watches all of it, and each question sends the few frames that it is about.
await using longtake = await load(model, { remote: { guide: '@longtake/tiny', sendFrames: Number(most) } })
await using video = await longtake.watch(file)
const answer = video.ask(question)
for await (const text of answer) process.stdout.write(text)

const sent = (await answer).frames.filter(({ weight }) => weight > 0)
console.log(`\nsent: ${sent.map(({ timestamp }) => `${timestamp.toFixed(1)} s`).join(', ')}`)
