import { type OnevisionJob, runOnevisionJob } from './onevision-job.js'

/** A process of `onevision`: gets one job, sends one report, ends. */
process.once('message', async (job: OnevisionJob) => {
  const report = await runOnevisionJob(job)
  process.send?.(report, () => process.disconnect())
})
