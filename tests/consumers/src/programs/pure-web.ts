import { pure } from './pure.js'

Object.assign(globalThis, { pure })
