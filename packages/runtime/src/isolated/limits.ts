import type { MessageLimits } from './wire.js'

/** Between server and engine: bytes of a video one way, answers, traces and pictures of storyboards the other. */
export const ENGINE_MESSAGES: MessageLimits = { textBytes: 64 * 2 ** 20, arrayBytes: 2 ** 30 }

/** Between engine and decoder: one picture of at most 16,384 × 16,384 pixels; facts and times are short. */
export const DECODER_MESSAGES: MessageLimits = { textBytes: 4 * 2 ** 20, arrayBytes: 2 ** 30 }

/** Ranges that a decoder asks for at once; the demuxer reads a few ahead. */
export const MOST_DECODER_CALLS = 256

/** Calls between server and engine at once; each waits in a queue of its own. */
export const MOST_ENGINE_CALLS = 65_536
