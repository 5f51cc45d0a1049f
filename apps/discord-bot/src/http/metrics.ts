import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds; Discord gives up after 3. */
const ACKNOWLEDGE_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5]

const GAUGES = {
  jobs_queued: 'Questions that wait',
  jobs_running: 'Questions that are worked on',
  questions_open: 'Questions that were taken on and are not answered yet',
  gateway_ready: '1 while the gateway is connected',
} as const

/** What is counted for whoever runs the bot. */
export interface Metrics {
  /** @param outcome - `answered`, `cancelled`, `gone`, or the code of a failure. */
  question(outcome: string): void
  /** @param reason - Why something was not taken on. */
  refused(reason: string): void
  acknowledged(seconds: number): void
  /** A request had to wait for one of Discord's limits. */
  waited(): void
  /** A request was refused for coming too fast. */
  rateLimited(): void
  gauge(name: keyof typeof GAUGES, read: () => number | Promise<number>): void
  render(): Promise<{ readonly contentType: string; readonly text: string }>
}

/** Counters for Prometheus, with those of the process. */
export function openMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
    new Counter({ name: `longtake_bot_${name}`, help, labelNames, registers })
  const questions = counter('questions_total', 'Questions by how they ended', ['outcome'])
  const refused = counter('refused_total', 'What was not taken on, by why', ['reason'])
  const waited = counter('discord_waits_total', 'Requests that waited for a limit of Discord')
  const limited = counter('discord_429_total', 'Requests that Discord refused for coming too fast')
  const acknowledged = new Histogram({
    name: 'longtake_bot_acknowledge_seconds',
    help: 'From the arrival of an interaction to its acknowledgement',
    buckets: ACKNOWLEDGE_BUCKETS,
    registers,
  })
  return {
    question: (outcome) => questions.inc({ outcome }),
    refused: (reason) => refused.inc({ reason }),
    acknowledged: (seconds) => acknowledged.observe(seconds),
    waited: () => waited.inc(),
    rateLimited: () => limited.inc(),
    gauge(name, read) {
      new Gauge({
        name: `longtake_bot_${name}`,
        help: GAUGES[name],
        registers,
        async collect() {
          this.set(await read())
        },
      })
    },
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  }
}
