import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { planVideo } from '@longtake/core'
import { LinkCache, openLink } from '@longtake/runtime/link'
import { openVideo } from '@longtake/runtime/video'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { PLANNING_SPEC } from './sampling.js'
import { makeSparseFilm, type SparseFilm } from './sparse-film.js'
import { formatTable } from './table.js'

const MODEL_FILM = new URL('../../../tests/data/video/h264.mp4', import.meta.url)
/** Most that 64 pictures of any film may take. */
const FETCHED_BOUND = 32 * 2 ** 20
/** Most that the same pictures may take once more: a block. */
const AGAIN_BOUND = 64 * 2 ** 10

const TAG = '"film"'

/** What watching a long film by its link fetches of it. */
export const linkRanges: Benchmark = {
  name: 'link-ranges',
  summary: 'pictures from a linked film of two hours and 4 GB, and the bytes fetched for them',
  options: [
    '--frames 64    pictures to read',
    '--groups 720   groups of ten seconds and 5.9 MB that the film has',
  ],
  run: runLinkRanges,
}

async function runLinkRanges(args: readonly string[]): Promise<Outcome> {
  const given = new Arguments(args, { frames: 'text', groups: 'text' })
  const frames = given.integer('frames', 64, 1, 4096)
  const film = makeSparseFilm(
    await readFile(fileURLToPath(MODEL_FILM)),
    given.integer('groups', 720, 1, 2000),
  )
  await using server = await serveFilm(film)
  const folder = await mkdtemp(join(tmpdir(), 'longtake-link-ranges-'))
  try {
    const before = process.memoryUsage().rss
    const first = await watch(server, folder, frames)
    const memoryGrowthBytes = process.memoryUsage().rss - before
    const again = await watch(server, folder, frames)
    const result = {
      fileBytes: film.sizeBytes,
      indexBytes: film.indexBytes,
      seconds: film.seconds,
      pictures: first.pictures,
      fetchedBytes: first.fetchedBytes,
      share: first.fetchedBytes / film.sizeBytes,
      requests: first.requests,
      milliseconds: first.milliseconds,
      memoryGrowthBytes,
      fetchedBound: FETCHED_BOUND,
      again: { fetchedBytes: again.fetchedBytes, requests: again.requests, milliseconds: again.milliseconds },
      againBound: AGAIN_BOUND,
    }
    const isRight = [first, again].every(
      ({ pictures, seconds }) => pictures === frames && Math.abs(seconds - film.seconds) < 1,
    )
    const isCheap = first.fetchedBytes <= FETCHED_BOUND && again.fetchedBytes <= AGAIN_BOUND
    return { result, text: format(result), failed: !isRight || !isCheap }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Opens the link as if for the first time in a process, and reads pictures. */
async function watch(server: FilmServer, folder: string, frames: number) {
  const requests = server.requests()
  const startMs = performance.now()
  const policy = { ports: 'any', allowNetworks: ['127.0.0.1'] } as const
  const link = await openLink(server.url, { policy, cache: new LinkCache({ folder }) })
  await using video = await openVideo(link)
  const plan = planVideo(PLANNING_SPEC, video.facts, { frames, sampling: 'keyframe' })
  let pictures = 0
  for await (const _ of video.frames(plan.timestamps, plan.sampling)) pictures++
  return {
    pictures,
    seconds: video.facts.durationSeconds,
    fetchedBytes: link.fetchedBytes,
    requests: server.requests() - requests,
    milliseconds: performance.now() - startMs,
  }
}

type FilmServer = Awaited<ReturnType<typeof serveFilm>>

async function serveFilm(film: SparseFilm) {
  let requests = 0
  const server = createServer((request, response) => {
    requests++
    if (request.headers['if-none-match'] === TAG) {
      response.writeHead(304, { etag: TAG }).end()
      return
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    const start = Number(first)
    const end = Math.min(film.sizeBytes, Number(last) + 1)
    const headers = { 'content-range': `bytes ${start}-${end - 1}/${film.sizeBytes}`, etag: TAG }
    response.writeHead(206, headers).end(film.read(start, end))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/film.mp4`,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Measured {
  readonly fetchedBytes: number
  readonly requests: number
  readonly milliseconds: number
}

interface Result extends Measured {
  readonly fileBytes: number
  readonly indexBytes: number
  readonly seconds: number
  readonly pictures: number
  readonly share: number
  readonly again: Measured
}

function format({ fileBytes, indexBytes, seconds, pictures, share, again, ...first }: Result): string {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
  const fetched = (one: Measured) => `${megabytes(one.fetchedBytes)} in ${one.requests} requests`
  const time = (one: Measured) => `${(one.milliseconds / 1000).toFixed(2)} s`
  return formatTable([
    ['', ''],
    ['film', `${megabytes(fileBytes)}, ${seconds} s`],
    ['its index', megabytes(indexBytes)],
    ['pictures read', `${pictures}`],
    ['fetched', fetched(first)],
    ['of the film', `${(100 * share).toFixed(2)} %`],
    ['time', time(first)],
    ['fetched again', fetched(again)],
    ['time again', time(again)],
  ])
}
