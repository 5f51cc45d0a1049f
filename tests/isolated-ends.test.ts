import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IsolatedLongtake, IsolatedState } from '../packages/runtime/src/isolated/index.js'
import { film } from './support/films.js'
import { until, useIsolated } from './support/isolated.js'
import { isolatedProcesses, isRunning, type ProcessFacts, processesBelow } from './support/processes.js'
import { expectRefusal } from './support/refusal.js'
import { useTemporaryFolder } from './support/temporary-folder.js'
import { demoFile, openTiny, TINY } from './support/tiny-model.js'

useTemporaryFolder()
const isolated = useIsolated()

const QUESTION = 'how many shots are there ?'
const VIDEO = demoFile('0000.mp4')
/** Moments at which the engine is ended. */
const KILLS = 24
const SECRET = 'LONGTAKE_TEST_SECRET'
const CYCLES = 200
/** A video's features and cache, kept by each cycle, would add up to far more; a few MiB of noise were seen. */
const MOST_GROWTH_BYTES = 40 * 2 ** 20

/** What Linux tells of processes is what these tests look at. */
const onLinux = process.platform === 'linux' ? describe : describe.skip

let expected: string
let isolatedModel: IsolatedLongtake

beforeAll(async () => {
  const { longtake } = await openTiny()
  expected = await answerOf(longtake)
  await longtake.close()
  isolatedModel = await isolated.open({ limits: { hangSeconds: 2 } })
  expect(await answerOf(isolatedModel)).toBe(expected)
})

afterAll(async () => {
  await isolatedModel?.close()
  await until(async () => (await isolatedProcesses()).length === 0)
})

/** The most that the engine tells while it answers, and until it has told how it is afterwards. */
async function mostMemory(longtake: IsolatedLongtake): Promise<number> {
  let most = 0
  const tell = setInterval(() => {
    most = Math.max(most, longtake.state.memoryBytes)
  }, 20)
  try {
    await answerOf(longtake)
    const { memoryBytes } = longtake.state
    await until(() => longtake.state.memoryBytes !== memoryBytes)
    return Math.max(most, longtake.state.memoryBytes)
  } finally {
    clearInterval(tell)
  }
}

async function answerOf(longtake: Pick<IsolatedLongtake, 'watch'>): Promise<string> {
  await using video = await longtake.watch(VIDEO)
  const { text, frames } = await video.ask(QUESTION)
  return JSON.stringify({ text, frames, plan: video.plan })
}

/** What work ended with: its answer, or the code of its failure. */
async function outcomeOf(work: Promise<string>): Promise<string> {
  return work.catch((error: { code?: unknown }) => String(error.code ?? error))
}

async function decodersOf(longtake: IsolatedLongtake): Promise<ProcessFacts[]> {
  const below = await processesBelow(longtake.state.pid ?? 0)
  return below.filter(({ commandLine }) => commandLine.includes('decoder-process.js'))
}

onLinux('the engine process', () => {
  test(`killed at ${KILLS} moments: each time a typed failure, then the right answer`, async () => {
    const started = performance.now()
    await answerOf(isolatedModel)
    const span = performance.now() - started
    const outcomes: string[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      const { pid, restarts } = isolatedModel.state
      const work = outcomeOf(answerOf(isolatedModel))
      await pause((span * kill) / KILLS)
      process.kill(pid!, 'SIGKILL')
      outcomes.push(await work)
      // At the last moments the answer may have been there before.
      await until(() => isolatedModel.state.restarts > restarts)
      expect(await answerOf(isolatedModel)).toBe(expected)
      expect(isolatedModel.state).toMatchObject({ status: 'ready', restarts: restarts + 1 })
      expect(isolatedModel.state.lastEnding).toContain('SIGKILL')
      expect(await isRunning(pid!)).toBe(false)
    }
    expect([...new Set(outcomes)].filter((one) => one !== expected)).toEqual(['ENGINE_CRASHED'])
    expect(outcomes.filter((one) => one === 'ENGINE_CRASHED').length).toBeGreaterThan(KILLS / 2)
  })

  test('takes its videos with it, which say so', async () => {
    const video = await isolatedModel.watch(VIDEO)
    process.kill(isolatedModel.state.pid!, 'SIGKILL')
    const failure = await expectRefusal(video.ask(QUESTION), 'ENGINE_CRASHED')
    expect(failure.message).toContain('SIGKILL')
    await expectRefusal(video.storyboard(), 'ENGINE_CRASHED')
    expect(video.plan.frames).toBe(video.timestamps.length)
    await video.close()
  })

  test('that is stopped counts as hung and is replaced', async () => {
    await until(() => isolatedModel.state.status === 'ready')
    const work = answerOf(isolatedModel)
    await pause(20)
    process.kill(isolatedModel.state.pid!, 'SIGSTOP')
    expect((await expectRefusal(work, 'ENGINE_CRASHED')).message).toContain('sign of life')
    expect(await answerOf(isolatedModel)).toBe(expected)
  })

  test('that takes too much memory is ended, while loading and later', async () => {
    const tooLittle = isolated.open({ limits: { memoryBytes: 2 ** 20 } })
    expect((await expectRefusal(tooLittle, 'ENGINE_CRASHED')).message).toContain('more than 1 MiB')
    const roomy = await isolated.open()
    const needed = await mostMemory(roomy)
    await roomy.close()
    // It is loaded with that, but holds only so many videos that nobody closes.
    await using tight = await isolated.open({ limits: { memoryBytes: needed + 8 * 2 ** 20 } })
    const hoard = async (): Promise<never> => {
      for (;;) await tight.watch(VIDEO, { frames: 64 })
    }
    expect((await expectRefusal(hoard(), 'ENGINE_CRASHED')).message).toMatch(
      /engine process ended: it took \d+ MiB/,
    )
    await until(() => tight.state.status === 'ready')
  })

  test('that ends whenever it starts is started again after longer and longer pauses', async () => {
    const states: IsolatedState[] = []
    const longtake = await isolated.open({ onState: (state) => states.push(state) })
    process.kill(longtake.state.pid!, 'SIGKILL')
    const killed = new Set<number>()
    const moments: number[] = []
    while (moments.length < 4) {
      const { pid } = longtake.state
      if (pid !== undefined && !killed.has(pid)) {
        killed.add(pid)
        moments.push(performance.now())
        process.kill(pid, 'SIGKILL')
      }
      await pause(5)
    }
    expect(states.at(-1)?.status).toBe('restarting')
    // Pauses of 0, 250 and 500 ms before the second to the fourth.
    expect(moments[3]! - moments[2]!).toBeGreaterThan(450)
    expect(await answerOf(longtake)).toBe(expected)
    await longtake.close()
    expect(states.map(({ status }) => status)).toEqual(
      expect.arrayContaining(['starting', 'restarting', 'ready']),
    )
    expect(states.at(-1)?.status).toBe('closed')
  })
})

onLinux('the decoder process', () => {
  test.each([
    ['SIGKILL', 'SIGKILL'],
    ['SIGSTOP', 'sign of life'],
  ] as const)('ended by %s fails its video alone', async (signal, reason) => {
    await using other = await isolatedModel.watch(VIDEO)
    const { pid } = isolatedModel.state
    let isSent = false
    const onProgress = async ({ stage }: { stage: string }): Promise<void> => {
      if (stage !== 'decode' || isSent) return
      isSent = true
      for (const decoder of await decodersOf(isolatedModel)) process.kill(decoder.pid, signal)
    }
    const failure = await expectRefusal(
      isolatedModel.watch(film('8k.mp4'), { onProgress: (step) => void onProgress(step) }),
      'ENGINE_CRASHED',
    )
    expect(failure.message).toContain('decoder process')
    expect(failure.message).toContain(reason)
    expect((await other.ask(QUESTION)).text).toBe(JSON.parse(expected).text)
    expect(await answerOf(isolatedModel)).toBe(expected)
    expect(isolatedModel.state.pid).toBe(pid)
  })

  test('that takes too much memory is ended', async () => {
    await using tight = await isolated.open({ limits: { decoderMemoryBytes: 2 ** 20 } })
    const failure = await expectRefusal(tight.watch(VIDEO), 'ENGINE_CRASHED')
    expect(failure.message).toMatch(/decoder process ended: it took \d+ MiB/)
    expect(tight.state).toMatchObject({ status: 'ready', restarts: 0 })
  })

  test('is another one for each video', async () => {
    const seen = new Set<number>()
    for (let round = 0; round < 3; round++) {
      for (const { pid } of await decodersOf(isolatedModel)) seen.add(pid)
      await answerOf(isolatedModel)
    }
    expect(seen.size).toBeGreaterThanOrEqual(3)
  })
})

onLinux('nothing is left', () => {
  test(`of ${CYCLES} videos`, { timeout: 300_000 }, async () => {
    await using longtake = await isolated.open()
    const cycle = async (): Promise<void> => {
      await using video = await longtake.watch(film('one-frame.mp4'), { frames: 8 })
      await video.ask(QUESTION)
    }
    const memoryAfter = async (cycles: number): Promise<number> => {
      for (let index = 0; index < cycles; index++) await cycle()
      return longtake.state.memoryBytes
    }
    const filesHere = async (): Promise<number> => (await readdir('/proc/self/fd')).length
    const warm = await memoryAfter(CYCLES / 4)
    const files = await filesHere()
    const growth = (await memoryAfter((CYCLES * 3) / 4)) - warm
    expect(growth).toBeLessThan(MOST_GROWTH_BYTES)
    expect(await filesHere()).toBeLessThanOrEqual(files + 2)
    await until(async () => (await decodersOf(longtake)).length === 1)
    expect((await isolatedProcesses()).filter(({ state }) => state === 'Z')).toEqual([])
    expect(longtake.state).toMatchObject({ restarts: 0 })
  })

  test('of secrets in the environment, and of open files', async () => {
    process.env[SECRET] = 'do not tell'
    await using longtake = await isolated.open({ environment: { LONGTAKE_TEST_GIVEN: 'yes' } })
    delete process.env[SECRET]
    const engine = longtake.state.pid!
    const [decoder] = await decodersOf(longtake)
    const environment = (pid: number): Promise<string> => readFile(`/proc/${pid}/environ`, 'utf8')
    expect(await environment(engine)).toContain('LONGTAKE_TEST_GIVEN=yes')
    for (const pid of [engine, decoder!.pid]) {
      expect(await environment(pid)).not.toContain('do not tell')
      expect(await readlink(`/proc/${pid}/cwd`)).not.toBe(process.cwd())
    }
    expect(await environment(decoder!.pid)).not.toContain('LONGTAKE_TEST_GIVEN')
  })
})

onLinux('a program', () => {
  const program = (body: string): string => `
    import { loadIsolated } from '@longtake/runtime/isolated'
    const longtake = await loadIsolated(${JSON.stringify(TINY)}, { threads: 1 })
    const film = ${JSON.stringify(VIDEO)}
    ${body}
  `

  test.each([
    ['closes', `const video = await longtake.watch(film); await video.ask('what ?'); await longtake.close()`],
    ['closes nothing', `const video = await longtake.watch(film); await video.ask('what ?')`],
  ])('that %s ends by itself, silent, and its processes with it', async (_, body) => {
    const told = program(`${body}; console.log(longtake.state.restarts)`)
    const { stdout, stderr } = await isolated.install().run(told, {})
    expect(stdout).toBe('0\n')
    expect(stderr).toBe('')
  })

  test('that is killed takes its processes with it', async () => {
    const source = program(`console.log('ready'); setInterval(() => {}, 1000)`)
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      cwd: isolated.install().folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    const below = await processesBelow(child.pid!)
    expect(below.map(({ commandLine }) => /(\w+)-process\.js/.exec(commandLine)?.[1]).sort()).toEqual([
      'decoder',
      'engine',
    ])
    child.kill('SIGKILL')
    await once(child, 'close')
    await until(async () => {
      const running = await Promise.all(below.map(({ pid }) => isRunning(pid)))
      return !running.includes(true)
    })
  })

  test('that is killed takes a process with it that does not see its pipe close', async () => {
    const decoder = fileURLToPath(isolated.install().runtimeModule('isolated/decoder-process.js'))
    // The pipe is held open by another process.
    const shell = spawn('sh', ['-c', `sleep 100 | "${process.execPath}" "${decoder}" $$; true`], {
      stdio: 'ignore',
    })
    const named = (name: string) => (one: ProcessFacts) => one.commandLine.includes(name)
    await until(async () => (await processesBelow(shell.pid!)).some(named('decoder-process.js')))
    const below = await processesBelow(shell.pid!)
    const { pid } = below.find(named('decoder-process.js'))!
    shell.kill('SIGKILL')
    await until(async () => !(await isRunning(pid)))
    process.kill(below.find(named('sleep'))!.pid, 'SIGKILL')
  })
})
