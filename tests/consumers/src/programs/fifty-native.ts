import { readFileSync } from 'node:fs'
import { load } from '@longtake/runtime'
import { type AskedVideo, askFifty } from './fifty.js'

const videos = JSON.parse(readFileSync('videos.json', 'utf8')) as AskedVideo[]
const longtake = await load('@longtake/tiny')
console.log(JSON.stringify(await askFifty(longtake, videos, (file) => file)))
await longtake.close()
