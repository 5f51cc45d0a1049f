import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { FeatureCache } from '../packages/runtime/src/features/index.js'
import { folderBytes, KEY, key } from './support/features.js'
import { installPlain, type PlainInstall } from './support/plain-node.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

let install: PlainInstall
let count = 0
let surroundings = ''
let folder = ''

beforeAll(async () => {
  install = await installPlain()
})

afterAll(() => install?.remove())

beforeEach(async () => {
  surroundings = temporaryPath(`process-${count++}`)
  folder = join(surroundings, 'cache')
  await mkdir(join(surroundings, 'tmp'), { recursive: true })
})

/** A program of its own that has a cache of this test's folder. */
function program(body: string, maxBytes = 1 << 30): Promise<{ stdout: string; stderr: string }> {
  const temporary = join(surroundings, 'tmp')
  const source = `
    const { FeatureCache, createScratch } = await import('./node_modules/@longtake/runtime/dist/features/index.js')
    const cache = await FeatureCache.open({ folder: ${JSON.stringify(folder)}, maxBytes: ${maxBytes} })
    const KEY = '${KEY}'
    const layout = (frames, floatsPerFrame) => ({ frames, blocks: [{ name: 'a', floatsPerFrame }] })
    ${body}
  `
  const path = process.env.PATH ?? ''
  return install.run(source, { PATH: path, TMPDIR: temporary, TEMP: temporary, TMP: temporary })
}

const leftBehind = async () => ({
  cache: await readdir(folder),
  temporary: await readdir(join(surroundings, 'tmp')),
})

test('many processes share a small cache: every reader gets one whole entry, the limit holds', async () => {
  const maxBytes = 5 * 41_000
  // Each frame says which writer it is from; a reader that got pieces of two would see it.
  const worker = (seed: number) => `
    const shape = layout(10, 1000)
    let found = 0
    let written = 0
    for (let round = 0; round < 40; round++) {
      const key = String((round * 7 + ${seed} * 3) % 6).padStart(64, '0')
      let reader = round % 3 === 0 ? undefined : await cache.find(key)
      if (reader) found++
      else {
        const id = ${seed} * 1000 + round
        const writer = await cache.create(key, shape)
        for (let frame = 9; frame >= 0; frame--) await writer.put('a', frame, new Float32Array(1000).fill(id))
        await writer.putBytes('id', Uint8Array.of(${seed}, round))
        reader = await writer.commit({ id })
        written++
      }
      await new Promise((resolve) => setTimeout(resolve, (round + ${seed}) % 3))
      const values = await reader.read('a', 0, 10)
      if (!values.every((value) => value === reader.details.id)) throw new Error('mixed')
      const [seedThere, roundThere] = await reader.bytes('id')
      if (seedThere * 1000 + roundThere !== reader.details.id) throw new Error('mixed bytes')
      await reader.close()
    }
    console.log(found, written)
  `
  const runs = await Promise.all([1, 2, 3].map((seed) => program(worker(seed), maxBytes)))
  const counts = runs.map(({ stdout }) => stdout.trim().split(' ').map(Number))
  expect(runs.map(({ stderr }) => stderr)).toEqual(['', '', ''])
  expect(counts.map(([found = 0, written = 0]) => found + written)).toEqual([40, 40, 40])
  // Entries of one process are found by itself or by others.
  expect(counts.reduce((sum, [found = 0]) => sum + found, 0)).toBeGreaterThan(0)
  const { cache, temporary } = await leftBehind()
  expect(cache.filter((name) => !name.endsWith('.features'))).toEqual([])
  expect(await folderBytes(folder)).toBeLessThanOrEqual(maxBytes)
  expect(temporary).toEqual([])
})

test('what a killed process was writing is removed by the next, what a live one writes is not', async () => {
  await expect(
    program(`
      const writer = await cache.create(KEY, layout(4, 100))
      await writer.put('a', 0, new Float32Array(100))
      process.kill(process.pid, 'SIGKILL')
      await new Promise(() => setInterval(() => {}, 1000))
    `),
  ).rejects.toMatchObject({ signal: 'SIGKILL' })
  expect((await readdir(folder)).filter((name) => name.endsWith('.part')).length).toBe(1)
  const cache = await FeatureCache.open({ folder, maxBytes: 1 << 20 })
  expect(await readdir(folder)).toEqual([])
  const writer = await cache.create(key(1), { frames: 1, blocks: [{ name: 'a', floatsPerFrame: 1 }] })
  await program('console.log(await cache.find(KEY))')
  expect((await readdir(folder)).length).toBe(1)
  await writer.put('a', 0, Float32Array.of(1))
  await (await writer.commit(null)).close()
  expect(await readdir(folder)).toEqual([`${key(1)}.features`])
})

test('parts are judged by age where nobody can say whether their writer lives', async () => {
  await mkdir(folder)
  const elsewhere = join(folder, `${KEY}.00000000-1-${'1'.repeat(16)}.part`)
  const odd = join(folder, `${KEY}.part`)
  const old = new Date(Date.now() - 25 * 60 * 60 * 1000)
  for (const path of [elsewhere, odd]) await writeFile(path, 'x')
  await FeatureCache.open({ folder, maxBytes: 100 })
  expect((await readdir(folder)).length).toBe(2)
  for (const path of [elsewhere, odd]) await utimes(path, old, old)
  await FeatureCache.open({ folder, maxBytes: 100 })
  // The second has no name that the cache gives, so it is somebody else's.
  expect(await readdir(folder)).toEqual([`${KEY}.part`])
})

test.each(['runs out of work', 'exits', 'throws'])('a program that %s leaves nothing', async (way) => {
  const run = program(`
    const writer = await cache.create(KEY, layout(4, 100))
    await writer.put('a', 0, new Float32Array(100))
    const scratch = await createScratch(layout(2, 1 << 24))
    await scratch.put('a', 1, new Float32Array(1 << 24).fill(2))
    await scratch.put('a', 0, new Float32Array(1 << 24).fill(1))
    const reader = await scratch.commit(null)
    const values = await reader.read('a', 1, 2)
    if (values[5] !== 2) throw new Error('wrong')
    if (${way === 'exits'}) process.exit(0)
    if (${way === 'throws'}) throw new Error('on purpose')
  `)
  if (way === 'throws') await expect(run).rejects.toMatchObject({ code: 1 })
  else await run
  expect(await leftBehind()).toEqual({ cache: [], temporary: [] })
})

test('scratch needs no more memory than its limit, and no file while it is small', async () => {
  const { stdout } = await program(`
    const { readdirSync, readlinkSync } = await import('node:fs')
    const { setFlagsFromString } = await import('node:v8')
    const { runInNewContext } = await import('node:vm')
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc')
    const link = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd) } catch { return '' } }
    const openFiles = () => process.platform === 'linux'
      ? readdirSync('/proc/self/fd').filter((fd) => link(fd).includes('.scratch')).length
      : undefined
    // Twice, because the first only starts to give buffers back.
    const held = () => { gc(); gc(); return process.memoryUsage().arrayBuffers }
    const writer = await createScratch(layout(200, 1 << 18))
    const before = held()
    let mostBytes = 0
    const files = []
    for (let frame = 0; frame < 200; frame++) {
      await writer.put('a', frame, new Float32Array(1 << 18).fill(frame))
      if (frame % 10 === 0) mostBytes = Math.max(mostBytes, held() - before)
      if (frame === 60 || frame === 70) files.push(openFiles())
    }
    const reader = await writer.commit(null)
    const read = await reader.read('a', 63, 66)
    const values = [read[0], read[1 << 18], read[2 << 18]]
    await reader.close()
    files.push(openFiles())
    console.log(JSON.stringify({ mostBytes, values, files }))
  `)
  const { mostBytes, values, files } = JSON.parse(stdout)
  expect(values).toEqual([63, 64, 65])
  // 60 frames of 1 MiB are in memory when it is looked, so this would see memory grow.
  expect(mostBytes).toBeGreaterThan(55 * 2 ** 20)
  expect(mostBytes).toBeLessThan(70 * 2 ** 20)
  if (process.platform === 'linux') expect(files).toEqual([0, 1, 0])
  expect(await leftBehind()).toEqual({ cache: [], temporary: [] })
})

/** Runs a program where no file may grow beyond so many bytes: as a full disk, for everyone. */
function withFileLimit(limitBytes: number, body: string): Promise<{ stdout: string; stderr: string }> {
  return program(`
    const { execFileSync } = await import('node:child_process')
    if (process.env.LIMITED === undefined) {
      // dash and POSIX count in 512 bytes.
      const limited = 'ulimit -f ${limitBytes / 512} && exec "$0" --input-type=module --eval "$1"'
      const source = process.execArgv.at(-1)
      const env = { ...process.env, LIMITED: '1' }
      console.log(execFileSync('sh', ['-c', limited, process.execPath, source], { env, encoding: 'utf8' }))
    } else {
      ${body}
    }
  `)
}

test.skipIf(process.platform === 'win32')(
  'where no file can grow, small features stay in memory and large ones are refused as full',
  async () => {
    const { stdout, stderr } = await withFileLimit(
      1 << 20,
      `
      const problems = []
      const note = ({ reason }) => problems.push(reason)
      const small = await cache.create(KEY, layout(8, 1 << 16), note)
      for (let frame = 0; frame < 8; frame++) await small.put('a', frame, new Float32Array(1 << 16).fill(frame))
      const reader = await small.commit(null)
      const values = await reader.read('a', 3, 4)
      const large = await cache.create(KEY, layout(70, 1 << 18), note)
      let refused
      for (let frame = 0; frame < 70 && !refused; frame++) {
        await large.put('a', frame, new Float32Array(1 << 18)).catch((error) => { refused = error })
      }
      const ends = await large.commit(null).then(() => 'kept', ({ reason }) => reason)
      await reader.close()
      console.log(JSON.stringify({ problems, value: values[7], refused: refused.reason, ends, name: refused.name }))
    `,
    )
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      problems: ['full', 'full', 'full'],
      value: 3,
      refused: 'full',
      ends: 'full',
      name: 'FeatureCacheError',
    })
    expect(await leftBehind()).toEqual({ cache: [], temporary: [] })
  },
)
