import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openQueue } from '../packages/jobs/src/index.js'
import { installPlain, type PlainInstall } from './support/plain-node.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

let install: PlainInstall

beforeAll(async () => {
  install = await installPlain(['core', 'jobs'])
})

afterAll(() => install?.remove())

/** A module of the installed packages' folder that has a queue, and says what happens line by line. */
async function writeProgram(name: string, body: string): Promise<string> {
  const path = join(install.folder, `${name}.mjs`)
  await writeFile(
    path,
    `import { writeSync } from 'node:fs'
    import { openQueue } from '@longtake/jobs'
    const [folder, ...args] = process.argv.slice(2)
    const say = (...words) => writeSync(1, words.join(' ') + '\\n')
    ${body}`,
  )
  return path
}

interface Program {
  readonly process: ChildProcess
  /** What it has said. */
  readonly lines: string[][]
  /** Resolves when it has said a word. */
  said(word: string): Promise<void>
  readonly ended: Promise<void>
}

function start(command: string, args: readonly string[]): Program {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines: string[][] = []
  let heard = (): void => {}
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => {
    lines.push(line.split(' '))
    heard()
  })
  // A process that nobody has waited for yet still counts as running.
  const gone = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const read = new Promise<void>((resolve) => reader.on('close', resolve))
  const ended = Promise.all([gone, read]).then(() => {})
  return {
    process: child,
    lines,
    ended,
    said: (word) =>
      new Promise((resolve, reject) => {
        heard = () => {
          if (lines.some(([first]) => first === word)) resolve()
        }
        void ended.then(() => reject(new Error(`The program ended and never said ${word}.`)))
        heard()
      }),
  }
}

const KILLS = 36
/** For a machine that is busy with other things. */
const PATIENCE_MS = 240_000
/** Large enough that the log is rewritten while processes are killed. */
const PAYLOAD_CHARACTERS = 20_000

test(
  `over ${KILLS} kills every accepted job ends exactly once`,
  async () => {
    const folder = temporaryPath('killed')
    const program = await writeProgram(
      'killed',
      `
    const queue = await openQueue({ folder, keepCount: 100_000, mostQueued: 100_000 })
    const round = Number(args[0])
    const watch = async (id) => {
      const end = await queue.result(id).then((result) => 'done ' + result, (error) => error.code)
      say(end === 'JOB_NOT_FOUND' ? 'lost' : 'end', id, end)
    }
    const watched = (args[1] ? args[1].split(',') : []).map(watch)
    queue.work(async ({ id, job, attempt, progress, token }) => {
      say('run', id, attempt)
      progress(1)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
      token('a')
      return job.name
    }, { concurrency: 3 })
    say('ready')
    if (args[2] === 'last') {
      await Promise.all(watched)
      await queue.close()
    } else {
      for (let number = 0; ; number++) {
        const name = round + ':' + number
        const options = { key: 'key' + number % 3, idempotencyKey: name }
        const { id } = await queue.submit({ name, text: 'x'.repeat(${PAYLOAD_CHARACTERS}) }, options)
        say('accepted', id, name)
        void watch(id)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 15))
      }
    }`,
    )
    const accepted = new Map<string, string>()
    const ends = new Map<string, Set<string>>()
    const runs = new Map<string, number[]>()
    const lost: string[] = []
    const ranAfterEnd: string[] = []
    const listen = ({ lines }: Program): void => {
      const endedBefore = new Set(ends.keys())
      for (const [word, id = '', value = '', more] of lines) {
        if (word === 'accepted') accepted.set(id, value)
        if (word === 'lost') lost.push(id)
        if (word === 'end') ends.set(id, (ends.get(id) ?? new Set()).add([value, more].join(' ').trim()))
        if (word !== 'run') continue
        if (endedBefore.has(id)) ranAfterEnd.push(id)
        runs.set(id, [...(runs.get(id) ?? []), Number(value)])
      }
    }
    for (let round = 0; round < KILLS; round++) {
      const child = start(process.execPath, [program, folder, `${round}`, openOnes().join(',')])
      await child.said('ready')
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 250))
      child.process.kill('SIGKILL')
      await child.ended
      listen(child)
    }
    // Ends that were told before are asked for again: they are the same.
    const last = start(process.execPath, [program, folder, 'last', [...accepted.keys()].join(','), 'last'])
    await last.ended
    listen(last)

    function openOnes(): string[] {
      return [...accepted.keys()].filter((id) => !ends.has(id))
    }
    expect(openOnes()).toEqual([])
    expect([lost, ranAfterEnd]).toEqual([[], []])
    const count = { done: 0, interrupted: 0 }
    for (const [id, name] of accepted) {
      const [end, ...others] = ends.get(id) ?? []
      expect(others).toEqual([])
      if (end === 'JOB_INTERRUPTED') {
        // Killed between the start and the handler's first word, an attempt counts and was not heard.
        expect(runs.get(id)?.length ?? 0).toBeLessThanOrEqual(2)
        count.interrupted++
      } else {
        expect(end).toBe(`done ${name}`)
        count.done++
      }
    }
    expect(accepted.size).toBeGreaterThan(KILLS)
    expect(count.done + count.interrupted).toBe(accepted.size)
    expect(Math.max(...[...runs.values()].map((attempts) => attempts.length))).toBe(2)
    expect(await readdir(folder)).toEqual(['jobs.log'])
  },
  PATIENCE_MS,
)

test('a full disk refuses jobs, keeps ends back until there is room, and loses nothing', async () => {
  const folder = temporaryPath('full')
  const program = await writeProgram(
    'full',
    `
    const queue = await openQueue({ folder })
    const { id } = await queue.submit('running', { key: 'a' })
    let finish
    queue.work(() => new Promise((resolve) => { finish = resolve }))
    while (!finish) await new Promise((resolve) => setTimeout(resolve, 1))
    for (const size of [2000, 1]) {
      for (let full = false; !full; ) {
        await queue.submit('x'.repeat(size), { key: String(Math.random()) }).then(
          ({ id }) => say('accepted', id),
          (error) => { full = true; say('refused', error.code, error.message) },
        )
      }
    }
    queue.result(id).then(
      async (result) => { say('end', result); process.kill(process.pid, 'SIGKILL') },
      (error) => say('end', error.code),
    )
    finish('y'.repeat(1000))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const { state } = await queue.status(id)
    say('full', id, state)
    setInterval(() => {}, 1000)`,
  )
  // The soft limit alone, so that it can be lifted; 40 blocks of 1,024 or 512 bytes, as the shell likes.
  const child = start('sh', ['-c', 'ulimit -S -f 40; exec "$@"', 'sh', process.execPath, program, folder])
  await child.said('full')
  await promisify(execFile)('prlimit', ['--fsize=unlimited', '--pid', `${child.process.pid}`])
  await child.said('end')
  await child.ended
  const of = (word: string) => child.lines.filter(([first]) => first === word)
  expect(of('refused').map(([, code]) => code)).toEqual(['JOBS_STORE', 'JOBS_STORE'])
  expect(of('refused').join()).toContain('make,room')
  const [[, id = '', state] = []] = of('full')
  expect([state, of('end')[0]?.[1]]).toEqual(['running', 'y'.repeat(1000)])

  const queue = await openQueue({ folder })
  const accepted = of('accepted').map(([, id = '']) => id)
  expect(accepted.length).toBeGreaterThan(5)
  for (const one of accepted) expect((await queue.status(one)).state).toBe('queued')
  expect((await queue.status(id)).state).toBe('done')
  // What was refused is not there.
  expect(await queue.stats()).toMatchObject({ queued: accepted.length, ended: 1 })
  await queue.close()
})

test('of a group of jobs that a full disk refused nothing is found, also when the process dies at once', async () => {
  const folder = temporaryPath('refused')
  const program = await writeProgram(
    'refused',
    `
    const queue = await openQueue({ folder })
    for (;;) {
      const group = Array.from({ length: 8 }, (_, number) => queue.submit('x'.repeat(300), { key: 'key' + number }))
      for (const { status, value } of await Promise.allSettled(group)) {
        say(status === 'fulfilled' ? 'accepted' : 'refused', value?.id)
      }
      const outcomes = await Promise.allSettled(group)
      if (outcomes.some(({ status }) => status === 'rejected')) process.kill(process.pid, 'SIGKILL')
    }`,
  )
  const child = start('sh', ['-c', 'ulimit -S -f 40; exec "$@"', 'sh', process.execPath, program, folder])
  await child.ended
  const count = (word: string) => child.lines.filter(([first]) => first === word).length
  expect(count('refused')).toBeGreaterThan(0)
  const queue = await openQueue({ folder })
  expect((await queue.stats()).queued).toBe(count('accepted'))
  await queue.close()
})

test('a program that does not close its queue ends by itself, silently, and its jobs are kept', async () => {
  const folder = temporaryPath('left')
  const source = `
    const { openQueue } = await import('@longtake/jobs')
    const queue = await openQueue({ folder: ${JSON.stringify(folder)} })
    queue.work(async ({ job }) => job)
    const { id } = await queue.submit(1, { key: 'a', deadlineMs: 60_000, cancelOnAbandon: true })
    await queue.result(id)
    console.log((await queue.submit(2, { key: 'a' })).id)
    queue.submit(3, { key: 'a' })
  `
  const { stdout, stderr } = await install.run(source, { PATH: process.env.PATH ?? '' })
  expect(stderr).toBe('')
  const queue = await openQueue({ folder })
  expect((await queue.status(stdout.trim())).state).toMatch(/queued|done/)
  await queue.close()
  expect((await readFile(join(folder, 'jobs.log'), 'utf8')).length).toBeGreaterThan(0)
})

test(
  'ten thousand jobs leave the memory as it was',
  async () => {
    const source = (setting: string) => `
    const { openQueue } = await import('@longtake/jobs')
    const queue = await openQueue(${setting})
    queue.work(async ({ job, token, progress }) => {
      for (let piece = 0; piece < 20; piece++) token('word ')
      progress({ done: 1 })
      return job
    }, { concurrency: 8 })
    const ask = async (number) => {
      const { id } = await queue.submit('x'.repeat(1000) + number, { key: 'key' + number % 97, idempotencyKey: 'n' + number })
      for await (const event of queue.watch(id)) if (event.type === 'failed') throw new Error('failed')
    }
    const heap = async (from, jobs) => {
      for (let number = from; number < from + jobs; number += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, index) => ask(number + index)))
      }
      for (let round = 0; round < 5; round++) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        gc()
      }
      return process.memoryUsage().heapUsed
    }
    const before = await heap(0, 2000)
    const after = await heap(2000, 10_000)
    console.log(JSON.stringify({ before, after, stats: await queue.stats() }))
    await queue.close()
  `
    const path = temporaryPath('flat')
    for (const setting of [{ keepCount: 500 }, { keepCount: 500, folder: path }]) {
      const program = join(install.folder, 'flat.mjs')
      await writeFile(program, source(JSON.stringify(setting)))
      const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program])
      const { before, after, stats } = JSON.parse(stdout)
      expect(stats).toEqual({ queued: 0, running: 0, ended: 500, keys: 0 })
      expect(after - before, JSON.stringify({ before, after })).toBeLessThan(2 << 20)
    }
  },
  PATIENCE_MS,
)
