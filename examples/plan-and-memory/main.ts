import { planVideo } from '@longtake/core'
import { estimateMemory, readSpec } from '@longtake/runtime'
import { openVideo } from '@longtake/runtime/video'

const [file = 'talk.mp4', id = '@longtake/tiny'] = process.argv.slice(2)
const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`

// Configs and headers of weight files are read, no weight: this works for models that are far too large for here.
const model = await readSpec(id)
await using video = await openVideo(file)
console.log(`${video.facts.durationSeconds.toFixed(1)} s of ${video.facts.codec}`)

for (const frames of [8, 32, 64]) {
  // A pure function: the same facts and options always give the same plan, and `watch` does what it says.
  const plan = planVideo(model.spec, video.facts, { frames, pooling: 'none', kvCache: 'int8' })
  const { peak } = estimateMemory(model, plan, { weights: 'int8' })
  const rope = `RoPE ${plan.rope.type} x${plan.rope.scale.toFixed(2)}`
  console.log(`${plan.frames} frames: ${plan.visualTokens} tokens, ${rope}, at most ${mebibytes(peak)}`)
  for (const note of plan.notes) console.log(`  ${note}`)
}
