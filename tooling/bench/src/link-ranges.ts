import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { planVideo } from '@longtake/core'
import { openLink } from '@longtake/runtime/link'
import { openVideo } from '@longtake/runtime/video'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { PLANNING_SPEC } from './sampling.js'
import { makeSparseFilm, type SparseFilm } from './sparse-film.js'
import { formatTable } from './table.js'

const MODEL_FILM = new URL('../../../tests/data/video/h264.mp4', import.meta.url)
/** Most that 64 pictures of any film may take. */
const FETCHED_BOUND = 32 * 2 ** 20

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
  const before = process.memoryUsage().rss
  const startMs = performance.now()
  const link = await openLink(server.url, { policy: { ports: 'any', allowNetworks: ['127.0.0.1'] } })
  await using video = await openVideo(link)
  const plan = planVideo(PLANNING_SPEC, video.facts, { frames, sampling: 'keyframe' })
  let pictures = 0
  for await (const _ of video.frames(plan.timestamps, plan.sampling)) pictures++
  const milliseconds = performance.now() - startMs
  const result = {
    fileBytes: film.sizeBytes,
    indexBytes: film.indexBytes,
    seconds: film.seconds,
    pictures,
    fetchedBytes: link.fetchedBytes,
    share: link.fetchedBytes / film.sizeBytes,
    requests: server.requests(),
    milliseconds,
    memoryGrowthBytes: process.memoryUsage().rss - before,
    fetchedBound: FETCHED_BOUND,
  }
  const isRight = pictures === frames && Math.abs(video.facts.durationSeconds - film.seconds) < 1
  return { result, text: format(result), failed: !isRight || link.fetchedBytes > FETCHED_BOUND }
}

async function serveFilm(film: SparseFilm) {
  let requests = 0
  const server = createServer((request, response) => {
    requests++
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    const start = Number(first)
    const end = Math.min(film.sizeBytes, Number(last) + 1)
    const headers = { 'content-range': `bytes ${start}-${end - 1}/${film.sizeBytes}`, etag: '"film"' }
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

function format(result: Readonly<Record<string, number>>): string {
  const megabytes = (bytes = 0) => `${(bytes / 1e6).toFixed(1)} MB`
  return formatTable([
    ['', ''],
    ['film', `${megabytes(result.fileBytes)}, ${result.seconds} s`],
    ['its index', megabytes(result.indexBytes)],
    ['pictures read', `${result.pictures}`],
    ['fetched', `${megabytes(result.fetchedBytes)} in ${result.requests} requests`],
    ['of the film', `${(100 * (result.share ?? 0)).toFixed(2)} %`],
    ['time', `${((result.milliseconds ?? 0) / 1000).toFixed(2)} s`],
  ])
}
