import { runSevenBillionJob, type SevenBillionJob } from './seven-billion-job.js'

/** A process of `seven-billion`: gets one job, sends one report, ends. */
process.once('message', async (job: SevenBillionJob) => {
  const report = await runSevenBillionJob(job, (text) => process.stderr.write(`${text}\n`))
  process.send?.(report, () => process.disconnect())
})
