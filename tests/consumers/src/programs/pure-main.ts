import { pure } from './pure.js'

console.log(pure())
