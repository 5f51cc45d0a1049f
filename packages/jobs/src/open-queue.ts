import { InProcessQueue } from './in-process-queue.js'
import { Lifecycle } from './lifecycle.js'
import { LogStore } from './log/log-store.js'
import { type Limits, limitsOf, type QueueOptions } from './options.js'
import { QueuedJob } from './queued-job.js'
import { Runner } from './runner.js'
import { memoryStore, type StoredJob } from './store.js'
import type { JobQueue, Json } from './types.js'

/**
 * Opens a queue in this process. With a folder, jobs that it holds go on: queued ones in the order of their acceptance,
 * those that ran when the process ended once more, and ended ones are remembered.
 *
 * @throws {InvalidOptionError} If an option is out of its range.
 * @throws {JobError} `JOBS_LOCKED` if another process has the folder; `JOBS_STORE` if it cannot be read or written.
 */
export async function openQueue<
  Job extends Json = Json,
  Result extends Json = Json,
  Progress extends Json = Json,
>(options: QueueOptions = {}): Promise<JobQueue<Job, Result, Progress>> {
  const limits = limitsOf(options)
  const queue = options.folder === undefined ? inMemory(limits) : await inFolder(options.folder, limits)
  return queue as JobQueue<Json, Json, Json> as JobQueue<Job, Result, Progress>
}

function inMemory(limits: Limits): InProcessQueue {
  const lifecycle = new Lifecycle(limits, memoryStore)
  const runner = new Runner(limits, lifecycle, memoryStore)
  return new InProcessQueue({ limits, store: memoryStore, lifecycle, runner, generation: 0, nextSequence: 1 })
}

async function inFolder(folder: string, limits: Limits): Promise<InProcessQueue> {
  let stored = (): Iterable<StoredJob> => []
  const { store, jobs, generation } = await LogStore.open(
    folder,
    limits.lockWaitMs,
    (found) => remembered(found, limits),
    () => stored(),
  )
  const lifecycle = new Lifecycle(limits, store)
  stored = () => lifecycle.stored()
  const byEnd = jobs.toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0) || a.sequence - b.sequence)
  for (const job of byEnd) lifecycle.restore(new QueuedJob(job, generation))
  const runner = new Runner(limits, lifecycle, store)
  const nextSequence = jobs.reduce((most, { sequence }) => Math.max(most, sequence), 0) + 1
  return new InProcessQueue({ limits, store, lifecycle, runner, generation, nextSequence })
}

/** All jobs that have not ended, and the latest of those that have. */
function remembered(jobs: readonly StoredJob[], limits: Limits): readonly StoredJob[] {
  const oldest = Date.now() - limits.keepMs
  const ended = jobs.filter(({ end, endedAt = 0 }) => end && endedAt > oldest)
  const latest = ended.toSorted((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0)).slice(0, limits.keepCount)
  const kept = new Set(latest)
  return jobs.filter((job) => !job.end || kept.has(job))
}
