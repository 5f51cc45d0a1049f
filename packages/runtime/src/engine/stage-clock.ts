import type { WatchOptions, WatchStage, WatchTimings } from './watch-options.js'

/** Reports progress and keeps the time of each stage. */
export class StageClock {
  readonly timings: WatchTimings = { open: 0, decode: 0, encode: 0, prefill: 0 }
  readonly #onProgress: WatchOptions['onProgress']

  constructor(onProgress?: WatchOptions['onProgress']) {
    this.#onProgress = onProgress
  }

  /** Begins a stage, which may be worked on in turns with others. */
  stage(stage: WatchStage, total: number): StageProgress {
    return new StageProgress(this, stage, total, (done) => this.#onProgress?.({ stage, done, total }))
  }

  /** Adds the time that `work` takes to a stage's. */
  async time<R>(stage: WatchStage, work: () => Promise<R>): Promise<R> {
    const start = performance.now()
    const result = await work()
    this.timings[stage] += performance.now() - start
    return result
  }

  /** Runs a stage in one piece; `work` gets the function that reports how far it is. */
  async run<R>(
    stage: WatchStage,
    total: number,
    work: (report: (done: number) => void) => Promise<R>,
  ): Promise<R> {
    const progress = this.stage(stage, total)
    return progress.time(() => work((done) => progress.report(done)))
  }
}

/** How far one stage is. Told when it begins. */
export class StageProgress {
  readonly #clock: StageClock
  readonly #stage: WatchStage
  readonly #total: number
  readonly #tell: (done: number) => void
  #done = 0

  constructor(clock: StageClock, stage: WatchStage, total: number, tell: (done: number) => void) {
    this.#clock = clock
    this.#stage = stage
    this.#total = total
    this.#tell = tell
    tell(0)
  }

  /** Tells a step forward; work that is done a second time is not told again. */
  report(done: number): void {
    if (done <= this.#done) return
    this.#done = done
    this.#tell(done)
  }

  /** Tells that everything is done, as where nothing had to be. */
  complete(): void {
    this.report(this.#total)
  }

  /** Adds the time that `work` takes to the stage's. */
  time<R>(work: () => Promise<R>): Promise<R> {
    return this.#clock.time(this.#stage, work)
  }
}
