import { JobError } from '@longtake/core'
import type { Services } from '../services.js'
import type { WatchEnd } from './library.js'

/** Ends of a job that say nothing of the video: another process goes on with it, or nobody wants it any more. */
const NO_ENDS: readonly string[] = ['JOBS_CLOSED', 'JOB_CANCELLED']

/** Waits until a video was watched; undefined if that is not for this process to know. */
export async function endOfWatching(
  jobs: Services['jobs'],
  jobId: string | undefined,
): Promise<WatchEnd | undefined> {
  try {
    const result = await jobs.result(jobId ?? '')
    if (result.kind !== 'watch') return undefined
    const { kind: _, ...report } = result
    return { report }
  } catch (error) {
    if (!(error instanceof JobError)) throw error
    if (NO_ENDS.includes(error.code)) return undefined
    // It had ended, and the process did before it could be told.
    const code = error.code === 'JOB_NOT_FOUND' ? 'JOB_INTERRUPTED' : error.code
    const { code: why, message } = error.reason ?? { code, message: error.message }
    return { failure: { code: why, message } }
  }
}
