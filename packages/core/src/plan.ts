import { InvalidOptionError } from './errors.js'
import type { PlanOptions, VideoPlan } from './plan-types.js'
import type { ModelSpec, VideoFacts } from './spec.js'

/**
 * Decides everything about watching a video that can be decided before running.
 *
 * @throws {InvalidOptionError} If an option or fact is out of its range.
 */
export function planVideo(spec: ModelSpec, video: VideoFacts, options: PlanOptions = {}): VideoPlan {
  throw new InvalidOptionError('planVideo', 'an implementation', [spec, video, options])
}
