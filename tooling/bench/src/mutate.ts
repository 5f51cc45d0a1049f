import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { chatRequest, errorCode } from './api/client.js'
import { type FileServer, serveBytes } from './api/file-server.js'
import { type Mutated, mutate, readSamples, type Sample } from './api/mutations.js'
import { isRunning, openFiles, processTree } from './api/process-tree.js'
import { type ApiServer, startServer, temporaryFolderOf } from './api/server.js'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { isRecord } from './json.js'
import { type Scratch, withScratch } from './scratch.js'
import { formatTable } from './table.js'

/** Time that the server has for each file; it must say so itself when that is over. */
const LIMIT_SECONDS = 60
/** What a response may be late before it counts as never coming. */
const GRACE_MS = 30_000
const AT_ONCE = 4
const POLL_MS = 50
/** Until decoders and connections that nobody uses have ended. */
const REST_MS = 15_000
/** For so long nothing may have changed. */
const SETTLED_MS = 1000
/** How files come to the server, taking turns. */
const WAYS = ['link', 'data', 'link', 'upload'] as const
/** Code of the server's own limit: no hang, but a file to look at. */
const TIME_IS_OVER = 'job_expired'
const TEXT = 'What is the first colour?'

/** Broken files at `longtake serve`. */
export const mutateBench: Benchmark = {
  name: 'mutate',
  summary: 'broken media files at `longtake serve`, by link, in the request and as uploads',
  options: ['--files 2000   to break and to ask about', '--first 0      number of the first one'],
  run: runMutate,
}

interface Tried {
  readonly number: number
  readonly file: Pick<Mutated, 'name' | 'type' | 'how'>
  readonly way: (typeof WAYS)[number]
  /** `answered`, the code of a refusal, `hang`, `crash`, or `unclean` with what came instead. */
  readonly end: string
  readonly milliseconds: number
}

interface Run {
  readonly scratch: Scratch
  readonly samples: readonly Sample[]
  readonly files: FileServer
  server: ApiServer
  crashes: number
  /** Engines that were seen. */
  readonly engines: Set<number>
}

async function runMutate(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, { files: 'text', first: 'text' })
  const count = given.integer('files', 2000, 1, 1_000_000)
  const first = given.integer('first', 0, 0)
  return withScratch('longtake-mutate-', async (scratch) => {
    const samples = readSamples()
    const find = (path: string): Uint8Array | undefined => {
      const number = /^\/(\d+)$/.exec(path)?.[1]
      return number === undefined ? undefined : mutate(samples, Number(number)).bytes
    }
    await using files = await serveBytes(find)
    const server = await start(scratch)
    const run: Run = { scratch, samples, files, server, crashes: 0, engines: new Set() }
    const before = await openAtRest(run)
    const tried = await tryAll(run, first, count, note)
    const leaked = run.crashes > 0 ? [] : without(await openAtRest(run), before)
    leaked.push(...(await stop(run)))
    const result = resultOf(run, tried, leaked.length)
    for (const name of leaked) note(`left: ${name}`)
    for (const { number, file, way, end } of tried)
      if (isBad(end) || end === TIME_IS_OVER)
        note(`--first ${number}: ${file.name} ${file.how} by ${way}: ${end}`)
    return { result, text: format(tried, result), failed: isMissed(result) }
  })
}

function start(scratch: Scratch): Promise<ApiServer> {
  return startServer(scratch, {
    LONGTAKE_DEADLINE_SECONDS: String(LIMIT_SECONDS),
    LONGTAKE_CONCURRENCY: String(AT_ONCE),
    LONGTAKE_OPEN_VIDEOS: '0',
  })
}

async function tryAll(
  run: Run,
  first: number,
  count: number,
  note: (text: string) => void,
): Promise<readonly Tried[]> {
  const tried: Tried[] = []
  let next = first
  const client = async (): Promise<void> => {
    while (next < first + count) {
      tried.push(await tryOne(run, next++))
      if (tried.length % 20 === 0) await look(run)
      if (tried.length % 200 === 0) note(`${tried.length} files`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client))
  return tried
}

/** Whether the server still runs, and which engines it has. */
async function look(run: Run): Promise<void> {
  for (const { pid, commandLine } of processTree(run.server.pid))
    if (commandLine.includes('engine-process.js')) run.engines.add(pid)
}

async function tryOne(run: Run, number: number): Promise<Tried> {
  const file = mutate(run.samples, number)
  const way = WAYS[number % WAYS.length] ?? 'link'
  const { server } = run
  const start = performance.now()
  const signal = AbortSignal.timeout(LIMIT_SECONDS * 1000 + GRACE_MS)
  let end: string
  try {
    end = way === 'upload' ? await upload(run, file, signal) : await chat(run, file, way, number, signal)
  } catch {
    end = signal.aborted ? 'hang' : 'crash'
    if (end === 'crash') await restart(run, server)
  }
  const { name, type, how } = file
  return { number, file: { name, type, how }, way, end, milliseconds: performance.now() - start }
}

async function chat(
  { server, files }: Run,
  { bytes, type, isPicture }: Mutated,
  way: 'link' | 'data',
  number: number,
  signal: AbortSignal,
): Promise<string> {
  const data = (): string => `data:${type};base64,${Buffer.from(bytes).toString('base64')}`
  const video = way === 'link' ? `${files.url}/${number}` : data()
  const fields = { max_tokens: 8, ...(!isPicture && { longtake: { frames: 4 } }) }
  const request = chatRequest({ video, text: TEXT, isPicture }, fields, signal)
  const response = await fetch(`${server.url}/v1/chat/completions`, request)
  const body: unknown = await response.json()
  if (response.status === 200) return isRecord(body) && Array.isArray(body.choices) ? 'answered' : 'unclean'
  return endOf(response.status, body)
}

/** Uploads a file, waits until it was watched or refused, and deletes it. */
async function upload({ server }: Run, { bytes, type, name }: Mutated, signal: AbortSignal): Promise<string> {
  const form = new FormData()
  form.set('file', new Blob([bytes.slice()], { type }), name)
  const videos = `${server.url}/v1/videos`
  const response = await fetch(videos, { method: 'POST', body: form, signal })
  const created: unknown = await response.json()
  if (response.status !== 202 || !isRecord(created)) return endOf(response.status, created)
  const address = `${videos}/${String(created.id)}`
  let video: unknown = created
  while (isRecord(video) && (video.status === 'queued' || video.status === 'watching')) {
    await pause(POLL_MS)
    video = await (await fetch(address, { signal })).json()
  }
  await fetch(address, { method: 'DELETE', signal })
  if (isRecord(video) && video.status === 'ready') return 'answered'
  return endOf(422, video)
}

/** How a refusal is counted: by its code if it is a clean one, and it is nobody's mistake here. */
function endOf(status: number, body: unknown): string {
  const code = errorCode(body)
  const isClean = code !== undefined && code !== 'internal_error' && code !== 'unexpected' && status >= 400
  return isClean ? code : `unclean ${status} ${JSON.stringify(body).slice(0, 200)}`
}

/** A connection that broke: whether the server is gone, and if so another one for the files that follow. */
async function restart(run: Run, server: ApiServer): Promise<void> {
  await pause(POLL_MS)
  if (run.server !== server || !server.hasEnded()) return
  run.crashes++
  run.server = await start(run.scratch)
}

/** Files and pipes that server and engine have open when nothing runs, and their processes. Sockets come and go. */
async function openAtRest({ server }: Run): Promise<readonly string[]> {
  let open = openBelow(server)
  for (const end = performance.now() + REST_MS; performance.now() < end; ) {
    await pause(SETTLED_MS)
    const before = open
    open = openBelow(server)
    // A process that has just begun opens some more.
    if (open.processes <= 3 && open.names.join() === before.names.join()) break
  }
  return open.names
}

function openBelow({ pid }: ApiServer): { readonly processes: number; readonly names: readonly string[] } {
  const tree = processTree(pid)
  const names = tree.flatMap(({ pid, commandLine }) => {
    const program = /[\w-]+\.js/.exec(commandLine)?.[0] ?? 'a process that ended'
    const files = openFiles(pid).filter((name) => !/^(socket|anon_inode):/.test(name))
    // Numbers of pipes and of processes are others each time.
    return [program, ...files.map((name) => `${program}: ${name.replaceAll(/\d+/g, 'N')}`)]
  })
  return { processes: tree.length, names }
}

/** What is in the first list more often than in the second. */
function without(names: readonly string[], others: readonly string[]): string[] {
  const rest = [...others]
  return names.filter((name) => {
    const at = rest.indexOf(name)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
}

/** Stops the server. @returns Processes and temporary files that are still there. */
async function stop({ server, scratch }: Run): Promise<readonly string[]> {
  const tree = processTree(server.pid)
  await server.stop()
  await pause(REST_MS / 10)
  const processes = tree.filter(({ pid }) => isRunning(pid)).map(({ commandLine }) => commandLine)
  return [...processes, ...readdirSync(temporaryFolderOf(scratch))]
}

function isBad(end: string): boolean {
  return end === 'hang' || end === 'crash' || end.startsWith('unclean')
}

function resultOf({ crashes, engines }: Run, tried: readonly Tried[], leaks: number) {
  const ends = tried.map(({ end }) => end)
  const answered = ends.filter((end) => end === 'answered').length
  const bad = ends.filter(isBad)
  return {
    tried: tried.length,
    crashes: Math.max(crashes, ends.filter((end) => end === 'crash').length),
    hangs: ends.filter((end) => end === 'hang').length,
    leaks,
    answered,
    refused: tried.length - answered - bad.length,
    unclean: ends.filter((end) => end.startsWith('unclean')).length,
    engineRestarts: Math.max(0, engines.size - 1),
    slowestMs: Math.max(...tried.map(({ milliseconds }) => milliseconds)),
    codes: countBy(ends.filter((end) => end !== 'answered')),
  }
}

type Result = ReturnType<typeof resultOf>

function isMissed({ crashes, hangs, leaks, unclean }: Result): boolean {
  return crashes + hangs + leaks + unclean > 0
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

function format(tried: readonly Tried[], result: Result): string {
  const types = [...new Set(tried.map(({ file }) => file.type))].sort()
  const rows = types.map((type) => {
    const own = tried.filter(({ file }) => file.type === type)
    const answered = own.filter(({ end }) => end === 'answered').length
    const bad = own.filter(({ end }) => isBad(end)).length
    return [type, own.length, answered, own.length - answered - bad, bad]
  })
  const table = formatTable([['', 'tried', 'answered', 'refused', 'neither'], ...rows])
  const { crashes, hangs, leaks, engineRestarts } = result
  return `${table}\n${crashes} crashes, ${hangs} hangs, ${leaks} leaks; the engine was restarted ${engineRestarts} times.`
}
