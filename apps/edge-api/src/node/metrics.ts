import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Metrics } from '../services.js'

/** Seconds: from a health check to a long video. */
const BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]

const GAUGES = {
  jobs_queued: 'Questions and videos that wait',
  jobs_running: 'Questions and videos that are worked on',
  videos_open: 'Watched videos that are kept open',
  videos_known: 'Videos of /v1/videos',
}

/** Counters for Prometheus, with those of the process: memory, event loop lag, garbage collection. */
export function openMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'longtake_request_seconds',
    help: 'Requests until their answer began',
    labelNames: ['route', 'method', 'status'],
    buckets: BUCKETS,
    registers,
  })
  const labelNames = ['model', 'outcome']
  const questions = new Counter({
    name: 'longtake_questions_total',
    help: 'Questions by how they ended',
    labelNames,
    registers,
  })
  const tokens = new Counter({
    name: 'longtake_tokens_total',
    help: 'Tokens of prompts, videos included, and of answers',
    labelNames: ['model', 'kind'],
    registers,
  })
  return {
    request: (labels, seconds) => requests.observe({ ...labels }, seconds),
    question: (labels) => questions.inc({ ...labels }),
    tokens(model, prompt, completion) {
      tokens.inc({ model, kind: 'prompt' }, prompt)
      tokens.inc({ model, kind: 'completion' }, completion)
    },
    gauge(name, read) {
      new Gauge({
        name: `longtake_${name}`,
        help: GAUGES[name],
        registers,
        async collect() {
          this.set(await read())
        },
      })
    },
    render: async () => ({
      contentType: registry.contentType,
      text: await registry.metrics(),
    }),
  }
}
