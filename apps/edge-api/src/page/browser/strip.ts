import type { Evidence, Frame } from './api.js'
import { make } from './dom.js'
import { formatShare, formatTime } from './format.js'
import { type Cell, cellsOf, matteredOf } from './sheet.js'

/** The storyboard as a picture of this tab. */
export interface Sheet {
  readonly url: string
  readonly width: number
  readonly height: number
}

export async function openSheet(blob: Blob): Promise<Sheet> {
  const { width, height } = await createImageBitmap(blob)
  return { url: URL.createObjectURL(blob), width, height }
}

/** The frames of an answer along time, those that mattered as buttons that tell their time. */
export function makeStrip({ frames, video }: Evidence, sheet: Sheet | undefined): HTMLElement {
  const marked = matteredOf(frames.map(({ weight }) => weight))
  const cells = sheet && cellsOf(sheet, frames.length, video)
  const largest = Math.max(...frames.map(({ weight }) => weight))
  const detail = make('div', { className: 'detail' })
  const buttons: HTMLButtonElement[] = []
  const select = (place: number, button: HTMLButtonElement): void => {
    for (const other of buttons) other.setAttribute('aria-pressed', String(other === button))
    const frame = frames[place]
    if (frame !== undefined) showDetail(detail, frame, frames.length, sheet, cells?.[place])
  }
  const list = make('ol', { className: 'strip' })
  list.setAttribute('aria-label', 'Frames along time')
  for (const [place, frame] of frames.entries()) {
    const isMarked = marked.has(place)
    if (!isMarked && cells === undefined) continue
    const parts = cellParts(frame, largest, sheet, cells?.[place])
    if (!isMarked) {
      list.append(make('li', {}, make('div', { className: 'cell' }, ...parts)))
      continue
    }
    const button = make('button', { type: 'button', className: 'cell marked' }, ...parts)
    const share = formatShare(frame.weight)
    button.setAttribute('aria-label', `Frame at ${formatTime(frame.timestamp, true)}, ${share} of the answer`)
    button.addEventListener('click', () => select(place, button))
    buttons.push(button)
    list.append(make('li', {}, button))
  }
  const heaviest = frames.findIndex(({ weight }) => weight === largest)
  const first = buttons[[...marked].sort((a, b) => a - b).indexOf(heaviest)]
  if (first !== undefined) select(heaviest, first)
  return makeEvidence(list, detail, marked.size, frames.length, sheet)
}

function makeEvidence(
  list: HTMLElement,
  detail: HTMLElement,
  marked: number,
  frames: number,
  sheet: Sheet | undefined,
): HTMLElement {
  const text =
    frames === 1
      ? 'The one picture it rests on'
      : marked === 0
        ? `All ${frames} frames weighed about alike`
        : `${marked} of ${frames} frames mattered most`
  const board = make('div', { className: 'board' }, ...(list.childElementCount > 0 ? [list, detail] : []))
  if (sheet !== undefined) {
    const picture = make('img', { src: sheet.url, width: sheet.width, height: sheet.height })
    picture.alt = `Storyboard of ${frames} frames with their times`
    board.append(make('details', {}, make('summary', {}, 'Whole storyboard'), picture))
  }
  // A region that scrolls has to be reachable by keyboard.
  list.tabIndex = 0
  return make('details', { className: 'evidence', open: true }, make('summary', {}, text), board)
}

/** Brings the chosen frame into sight within its strip, without moving the page. */
export function scrollToChosen(evidence: HTMLElement): void {
  const chosen = evidence.querySelector('[aria-pressed="true"]')?.parentElement
  const list = chosen?.parentElement
  if (!chosen || !list) return
  const shift = chosen.getBoundingClientRect().left - list.getBoundingClientRect().left
  list.scrollLeft += shift - (list.clientWidth - chosen.clientWidth) / 2
}

function cellParts(
  frame: Frame,
  largest: number,
  sheet: Sheet | undefined,
  cell: Cell | undefined,
): HTMLElement[] {
  const bar = make('span', { className: 'weight' }, make('span'))
  const filled = bar.firstElementChild
  if (filled instanceof HTMLElement)
    filled.style.width = `${largest > 0 ? (100 * frame.weight) / largest : 0}%`
  const time = make(
    'time',
    { dateTime: `PT${frame.timestamp.toFixed(1)}S` },
    formatTime(frame.timestamp, true),
  )
  return [...picturesOf(sheet, cell), time, bar]
}

function showDetail(
  detail: HTMLElement,
  frame: Frame,
  frames: number,
  sheet: Sheet | undefined,
  cell: Cell | undefined,
): void {
  const time = make('strong', {}, formatTime(frame.timestamp, true))
  const words = ` into the video. Frame ${frame.index + 1} of ${frames}, ${formatShare(frame.weight)} of what the answer rests on.`
  const text = make('p', {}, time, words)
  text.setAttribute('role', 'status')
  detail.replaceChildren(...picturesOf(sheet, cell), text)
}

/** A frame cut out of the storyboard, which is decoded once for all of them. */
function picturesOf(sheet: Sheet | undefined, cell: Cell | undefined): HTMLElement[] {
  if (sheet === undefined || cell === undefined) return []
  const { x, y, width, height } = cell
  const picture = make('span', { className: 'picture' })
  const { style } = picture
  style.aspectRatio = `${width} / ${height}`
  style.backgroundImage = `url("${sheet.url}")`
  style.backgroundSize = `${(100 * sheet.width) / width}% ${(100 * sheet.height) / height}%`
  const across = sheet.width - width
  const down = sheet.height - height
  style.backgroundPosition = `${across > 0 ? (100 * x) / across : 0}% ${down > 0 ? (100 * y) / down : 0}%`
  return [picture]
}
