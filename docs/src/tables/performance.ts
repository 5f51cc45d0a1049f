import { markdownTable, thousands } from './markdown-table.js'
import type { Results } from './results.js'

export function needleTable({ needle }: Results): string {
  const heads = [
    'minutes',
    'frames',
    'one every',
    'visual tokens',
    'context',
    'watch + first answer',
    'peak',
    'follow-up',
  ]
  const rows = needle.lengths.map((length) => [
    String(length.minutes),
    thousands(length.frames),
    `${length.intervalSeconds.toFixed(1)} s`,
    String(length.visualTokens),
    String(length.contextTokens),
    `${length.seconds.median.toFixed(2)} s`,
    `${Math.round(length.peakBytes / 1e6)} MB`,
    `${Math.round(1000 * length.followUpSeconds.median)} ms`,
  ])
  return markdownTable(heads, rows)
}

export function poolingTable({ pooling }: Results): string {
  const heads = ['frames', 'tokens, none', 'tokens, guided', 'none', 'guided', 'ratio']
  const operations = ['ratio by operations, scaled', 'by operations, 7B']
  const rows = pooling.cases.map((one) => [
    String(one.frames),
    thousands(one.tokensNone),
    thousands(one.tokensGuided),
    seconds(one.secondsNone),
    seconds(one.secondsGuided),
    one.frames === pooling.bound.frames ? `**${one.ratio.toFixed(1)}**` : one.ratio.toFixed(1),
    one.operationsRatio.toFixed(1),
    one.operationsRatio7B.toFixed(1),
  ])
  return markdownTable([...heads, ...operations], rows)
}

/** The longest context, which is what long videos are about, stands out where we are ahead. */
export function peersTable({ peers }: Results): string {
  const longest = Math.max(...peers.cases.map(({ context }) => context))
  const groups = ['llama.cpp prefill', 'llama.cpp decode', 'transformers.js decode']
  const rows = groups.flatMap((group) =>
    peers.cases
      .filter(({ peer, work }) => `${peer} ${work}` === group)
      .map(({ peer, work, context, ourMs, peerMs, ratio }) => {
        const shown = ratio.toFixed(2)
        const time = work === 'prefill' ? (ms: number) => seconds(ms / 1000) : milliseconds
        const marked = context === longest && ratio > 1 ? `**${shown}**` : shown
        return [peer, work, thousands(context), time(ourMs), time(peerMs), marked]
      }),
  )
  return markdownTable(['peer', 'work', 'context', 'ours', 'theirs', 'ratio'], rows, 2)
}

function seconds(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} s`
}

function milliseconds(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`
}
