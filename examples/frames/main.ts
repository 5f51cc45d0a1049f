import { type InputFrame, load } from '@longtake/runtime'

const SIDE = 144
const RED = [225, 30, 35]
const BLUE = [40, 70, 230]

/** A square on grey; pictures of a camera, a canvas or a simulation have the same form. */
function draw(colour: readonly number[], timestampSeconds: number): InputFrame {
  const rgb = new Uint8Array(SIDE * SIDE * 3).fill(60)
  for (let y = 22; y < 72; y += 1) for (let x = 47; x < 97; x += 1) rgb.set(colour, (y * SIDE + x) * 3)
  return { rgb, width: SIDE, height: SIDE, timestampSeconds }
}

// In time order; the times are those that answers tell.
const frames = Array.from({ length: 16 }, (_, second) => draw(second < 8 ? RED : BLUE, second))

await using longtake = await load('@longtake/tiny')
await using video = await longtake.watchFrames(frames)
const questions = [
  'What colour is shown first?',
  'What comes right after the red square?',
  'When does the blue square come?',
]
for (const question of questions) {
  const { text } = await video.ask(question)
  console.log(`${question} ${text}`)
}
