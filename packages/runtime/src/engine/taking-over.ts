import { closeSources, isSource, type VideoInputs } from '../video/video-source.js'

/**
 * Runs work to which a caller hands sources of their own over. Where it fails they are closed, also if it never came to
 * opening them, such as because an option was refused.
 */
export async function takingOver<R>(input: VideoInputs, work: () => Promise<R>): Promise<R> {
  try {
    return await work()
  } catch (error) {
    const inputs: readonly unknown[] = Array.isArray(input) ? input : [input]
    await closeSources(inputs.filter(isSource))
    throw error
  }
}
