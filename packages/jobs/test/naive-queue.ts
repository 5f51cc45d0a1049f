/** A queue that is obviously right: plain lists, and positions by playing the turns out. */
export interface NaiveJob {
  readonly name: number
  readonly key: string
  readonly priority: number
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled'
  attempts: number
}

export interface NaiveLimits {
  readonly mostQueued: number
  readonly mostRunningPerKey: number
  readonly concurrency: number
}

export class NaiveQueue {
  readonly limits: NaiveLimits
  readonly jobs: NaiveJob[] = []
  /** Keys in the order of their next turns, if all have had as many. */
  rotation: string[] = []
  /** Keys that have had their turn in this round. */
  served: string[] = []

  constructor(limits: NaiveLimits) {
    this.limits = limits
  }

  in(state: NaiveJob['state']): NaiveJob[] {
    return this.jobs.filter((job) => job.state === state)
  }

  accepts(key: string): boolean {
    const queued = this.in('queued')
    const free = this.limits.mostQueued - queued.length
    return free > 0 && queued.filter((job) => job.key === key).length < free
  }

  submit(key: string, priority: number): NaiveJob {
    const job: NaiveJob = { name: this.jobs.length, key, priority, state: 'queued', attempts: 0 }
    this.jobs.push(job)
    if (!this.rotation.includes(key)) this.rotation.push(key)
    return job
  }

  /** Where all queued jobs stand, by taking them one after the other. */
  order(): NaiveJob[] {
    const left = this.in('queued')
    const order: NaiveJob[] = []
    let rotation = this.inTurn()
    while (left.length > 0) {
      const key = rotation.shift() as string
      const job = firstOf(left, key) as NaiveJob
      left.splice(left.indexOf(job), 1)
      order.push(job)
      rotation = left.some((other) => other.key === key) ? [...rotation, key] : rotation
    }
    return order
  }

  fill(): void {
    while (this.in('running').length < this.limits.concurrency) {
      const inTurn = this.inTurn()
      const key = inTurn.find((key) => this.runningOf(key) < this.limits.mostRunningPerKey)
      if (key === undefined) return
      if (this.served.includes(key)) {
        this.served = []
        this.rotation = inTurn
      }
      this.served.push(key)
      const job = firstOf(this.in('queued'), key) as NaiveJob
      job.state = 'running'
      job.attempts++
      this.rotation = this.rotation.filter((other) => other !== key)
      if (this.in('queued').some((other) => other.key === key)) this.rotation.push(key)
      this.forgetIfEmpty()
    }
  }

  end(job: NaiveJob, state: 'done' | 'failed' | 'cancelled'): void {
    job.state = state
    if (!this.in('queued').some(({ key }) => key === job.key)) {
      this.rotation = this.rotation.filter((key) => key !== job.key)
    }
    this.forgetIfEmpty()
  }

  /** The engine of a job is lost: it is queued again, once. */
  lose(job: NaiveJob): void {
    if (job.attempts >= 2) {
      this.end(job, 'failed')
      return
    }
    job.state = 'queued'
    if (!this.rotation.includes(job.key)) this.rotation.push(job.key)
  }

  /** Running jobs are handed back, and keys take turns in the order of their oldest jobs. */
  restart(): void {
    for (const job of this.in('running')) {
      job.state = 'queued'
      job.attempts--
    }
    this.rotation = [...new Set(this.in('queued').map(({ key }) => key))]
    this.served = []
  }

  /** Those first that have not had their turn. */
  private inTurn(): string[] {
    const had = this.rotation.filter((key) => this.served.includes(key))
    return [...this.rotation.filter((key) => !had.includes(key)), ...had]
  }

  private forgetIfEmpty(): void {
    if (this.in('queued').length === 0) this.served = []
  }

  private runningOf(key: string): number {
    return this.in('running').filter((job) => job.key === key).length
  }
}

function firstOf(jobs: readonly NaiveJob[], key: string): NaiveJob | undefined {
  return jobs
    .filter((job) => job.key === key)
    .sort((a, b) => b.priority - a.priority || a.name - b.name)
    .at(0)
}
