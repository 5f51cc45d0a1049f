import { type NeedleJob, runNeedleJob } from './needle-job.js'

/** A process of `needle`: gets one job, sends one report, ends. */
process.once('message', async (job: NeedleJob) => {
  const report = await runNeedleJob(job)
  process.send?.(report, () => process.disconnect())
})
