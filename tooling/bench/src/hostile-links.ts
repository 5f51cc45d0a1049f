import { isLongtakeError } from '@longtake/core'
import { openLink } from '@longtake/runtime/link'
import { openVideo } from '@longtake/runtime/video'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { type HostileLink, hostileLinks, PLAYER, type Places } from './hostile-urls.js'
import { type LinkServers, openLinkServers } from './link-servers.js'
import { formatTable } from './table.js'

/** Seconds after which a link that does nothing is given up. */
const STALL_SECONDS = 5
/** Read pieces of an open link that lie so far apart that each is a request. */
const READ_STEP_BYTES = 2 ** 18

/** Links that lead where they must not, and some that lead where they may. */
export const hostileLinksBench: Benchmark = {
  name: 'hostile-links',
  summary: 'links that try to reach a canary on loopback, and honest ones that must work',
  options: [],
  run: runHostileLinks,
}

interface Tried {
  readonly kind: string
  /** Shortened. */
  readonly url: string
  readonly code: string
  readonly reached: boolean
}

async function runHostileLinks(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  new Arguments(args, {})
  await using servers = await openLinkServers()
  const control = await tryControl(servers)
  const tried: Tried[] = []
  for (const link of hostileLinks(servers)) tried.push(await tryHostile(link, servers))
  const refused: string[] = []
  const honest = honestLinks(servers)
  for (const url of honest) {
    const failure = await tryHonest(url, servers)
    if (failure === undefined) continue
    note(`${url}: ${failure}`)
    refused.push(url)
  }
  const reached = tried.filter((one) => one.reached)
  const openedLinks = tried.filter(({ code }) => code === 'OPENED')
  const unknown = tried.filter(({ code }) => !/^(LINK|VIDEO)_/.test(code))
  for (const { kind, url, code } of [...reached, ...unknown]) note(`${kind} ${code}: ${url}`)
  const result = {
    tried: tried.length,
    reached: reached.length,
    reachedBytes: servers.reached.bytes - control.bytes,
    opened: openedLinks.length,
    legitimate: honest.length,
    legitimateRefused: refused.length,
    kinds: countBy(tried.map(({ kind }) => kind)),
    codes: countBy(tried.map(({ code }) => code)),
    canary: servers.canaryHosts,
    controlConnections: control.connections,
  }
  const isBlind = control.connections < servers.canaryHosts.length
  return {
    result,
    text: format(tried, honest.length, refused.length),
    failed: reached.length + unknown.length + refused.length > 0 || isBlind,
  }
}

/** Shows that the canary would notice: links that are allowed to reach it are seen, at every host. */
async function tryControl(servers: LinkServers): Promise<{ connections: number; bytes: number }> {
  for (const host of servers.canaryHosts) {
    const origin = `http://${host.includes(':') ? `[${host}]` : host}:${servers.port}`
    const policy = { ports: 'any', allowNetworks: ['127.0.0.0/8', '::1'] } as const
    await openLink(origin, { policy }).then(
      (link) => link.close(),
      () => {},
    )
  }
  return { ...servers.reached }
}

async function tryHostile({ kind, url, usualPorts }: HostileLink, servers: LinkServers): Promise<Tried> {
  const before = servers.reached.connections
  const { ports, ...policy } = servers.policy()
  const code = await codeOf(async () => {
    const limits = { stallSeconds: STALL_SECONDS }
    await using link = await openLink(url, { policy: { ...policy, ...(!usualPorts && { ports }), limits } })
    const size = await link.size()
    // From the end on, so that nothing is read ahead.
    for (let at = size - 1; at >= 0; at -= READ_STEP_BYTES) await link.read(at, at + 1)
  })
  return { kind, url: url.slice(0, 200), code, reached: servers.reached.connections > before }
}

async function tryHonest(url: string, servers: LinkServers): Promise<string | undefined> {
  const code = await codeOf(async () => {
    await using video = await openVideo(await openLink(url, { policy: servers.policy() }))
    for await (const frame of video.frames([video.facts.startSeconds], 'exact')) void frame
  })
  return code === 'OPENED' ? undefined : code
}

async function codeOf(work: () => Promise<void>): Promise<string> {
  try {
    await work()
    return 'OPENED'
  } catch (error) {
    return isLongtakeError(error) ? error.code : String(error)
  }
}

/** Links that must work. */
function honestLinks({ port, trusted }: Places): readonly string[] {
  const encoded = encodeURIComponent
  const absolute = encoded(`${trusted}/film.mp4`)
  return [
    `${trusted}/film.mp4`,
    `${trusted}/film.mp4?key=a%20b&x=1#t=10`,
    `http://127.0.0.2:${port}/./a/../film.mp4`,
    `http://2130706434:${port}/film.mp4`,
    `http://films.example:${port}/film.mp4`,
    `http://FILMS.example.:${port}/film.mp4`,
    `http://two.example:${port}/film.mp4`,
    `http://bücher.example:${port}/film.mp4`,
    `${trusted}/whole.mp4`,
    `${trusted}/chunked.mp4`,
    `${trusted}/to?url=${absolute}`,
    `${trusted}/to?url=${encoded('/film.mp4')}`,
    `${trusted}/to?url=${encoded('film.mp4')}`,
    `${trusted}/to?url=${encoded(`//other.example:${port}/whole.mp4`)}`,
    `${trusted}/chain?left=4&url=${absolute}`,
    ...['video', 'og', 'json'].map((how) => `${trusted}/page?how=${how}&url=${absolute}`),
    `${trusted}/page?how=video&url=${encoded('/chunked.mp4')}`,
    `${trusted}/to?url=${encoded(`/page?how=og&url=${absolute}`)}`,
    `http://${PLAYER}:${port}/watch?to=${absolute}`,
    `${trusted}/all.ts`,
    `${trusted}/list.m3u8?how=segment&url=${encoded('/all.ts')}`,
    `${trusted}/list.m3u8?how=segment&url=${encoded('all.mp4')}`,
    `${trusted}/list.m3u8?how=variant&url=${encoded(`/list.m3u8?how=segment&url=${encoded('/all.ts')}`)}`,
    `${trusted}/to?url=${encoded(`/list.m3u8?how=segment&url=${encoded(`/to?url=${encoded('/all.ts')}`)}`)}`,
    `${trusted}/page?how=video&url=${encoded(`/list.m3u8?how=segment&url=${encoded('/all.ts')}`)}`,
  ]
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

function format(tried: readonly Tried[], honest: number, refused: number): string {
  const kinds = [...new Set(tried.map(({ kind }) => kind))]
  const rows = kinds.map((kind) => {
    const own = tried.filter((one) => one.kind === kind)
    const codes = Object.entries(countBy(own.map(({ code }) => code)))
    const described = codes.map(([code, count]) => `${code} ${count}`).join(', ')
    return [kind, `${own.length}`, `${own.filter(({ reached }) => reached).length}`, described]
  })
  const table = formatTable([['hostile links', 'tried', 'reached the canary', 'ended with'], ...rows])
  return `${table}\n\n${honest} honest links, ${refused} of them refused.`
}
