import { arrangeClips, type ClipLayout } from '@longtake/core'
import { COLOURS, note, picture, tag, text } from './svg.js'

const FRAMES = 32
const FRAMES_PER_CLIP = 8
const STEP = 26
const LEFT = 24

/** Which of 32 frames go into which clip of 8, strided and in pieces. */
export function drawRearrangement(): string {
  return picture(880, 366, '32 frames in 4 clips of 8: interleaved, and contiguous', [
    ...drawLayout('interleaved', 24, 'interleaved: every clip spans the whole video, as in training'),
    ...drawLayout(
      'contiguous',
      206,
      'contiguous: every clip is a quarter of the video, which training never showed',
    ),
  ])
}

function drawLayout(layout: ClipLayout, top: number, title: string): string[] {
  const { clips } = arrangeClips(FRAMES, FRAMES_PER_CLIP, layout)
  const clipOf = (frame: number) => clips.findIndex((clip) => clip.includes(frame))
  const along = Array.from({ length: FRAMES }, (_, frame) =>
    cell(LEFT + frame * STEP, top + 20, frame, clipOf(frame)),
  )
  const grouped = clips.flatMap((frames, clip) => {
    const left = LEFT + (clip % 2) * 436
    const y = top + 74 + Math.floor(clip / 2) * 40
    const slots = frames.map((frame, slot) => cell(left + 62 + slot * STEP, y, frame, clip))
    return [text(left, y + 17, `clip ${clip}`, { 'font-size': 15 }), ...slots]
  })
  return [
    text(LEFT, top + 10, title, { 'font-weight': 600 }),
    ...along,
    note(LEFT, top + 62, 'frames in time, coloured by clip; below, what the encoder takes at once'),
    ...grouped,
  ]
}

function cell(x: number, y: number, frame: number, clip: number): string {
  const fill = COLOURS[clip % COLOURS.length] ?? COLOURS[0]
  return [
    tag('rect', { x, y, width: STEP - 3, height: STEP - 3, rx: 3, fill }),
    text(x + (STEP - 3) / 2, y + 16, String(frame), {
      fill: '#ffffff',
      'font-size': 12,
      'text-anchor': 'middle',
    }),
  ].join('')
}
