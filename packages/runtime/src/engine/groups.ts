/** A few consecutive clips that are decoded in one pass and encoded together. */
export interface ClipGroup {
  /** Clips from `firstClip` up to, not including, `endClip`. */
  readonly firstClip: number
  readonly endClip: number
  /** Indices of their frames, each once, in time order. */
  readonly frames: readonly number[]
}

/**
 * Cuts clips into groups of neighbours.
 *
 * Neighbouring clips of an interleaved layout hold neighbouring frames, so a group reads as many short runs of the
 * video as a clip has frames.
 *
 * @param clips - Frame indices of each clip.
 * @param mostFrames - Frames that a group may have; one clip is always taken whole.
 */
export function groupClips(clips: readonly (readonly number[])[], mostFrames: number): ClipGroup[] {
  const groups: ClipGroup[] = []
  for (let first = 0; first < clips.length; ) {
    const end = endOfRun(clips, first, mostFrames)
    const frames = [...new Set(clips.slice(first, end).flat())].sort((a, b) => a - b)
    groups.push({ firstClip: first, endClip: end, frames })
    first = end
  }
  return groups
}

/** Where a run of clips from `first` ends that together have at most `mostFrames` frames; one at least. */
export function endOfRun(clips: readonly (readonly number[])[], first: number, mostFrames: number): number {
  let end = first + 1
  let frames = clips[first]!.length
  while (end < clips.length && frames + clips[end]!.length <= mostFrames) frames += clips[end++]!.length
  return end
}
