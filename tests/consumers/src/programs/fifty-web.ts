import { load } from '@longtake/runtime/web'
import { type AskedVideo, askFifty, type FiftyAnswers } from './fifty.js'

/** Called from outside the page. */
async function fifty(): Promise<FiftyAnswers> {
  const videos = (await (await fetch('/videos.json')).json()) as AskedVideo[]
  const files = new Map<string, Blob>()
  for (const { file } of videos) files.set(file, await (await fetch(`/${file}`)).blob())
  const longtake = await load('/checkpoint/', { wasmPaths: '/onnxruntime-web/' })
  const answers = await askFifty(longtake, videos, (file) => files.get(file) ?? new Blob())
  await longtake.close()
  return answers
}

Object.assign(globalThis, { fifty })
