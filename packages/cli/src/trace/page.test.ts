import { describe, expect, test } from 'vitest'
import { checkPage } from '../../test/check-page.js'
import { type SampleOptions, sampleTrace } from '../../test/trace-sample.js'
import { tracePage } from './page.js'

const page = (options: SampleOptions): Promise<string> =>
  tracePage(sampleTrace({ size: [64, 36], ...options }))
const count = (text: string, piece: string): number => text.split(piece).length - 1

describe('trace page', () => {
  test('is well-formed, needs nothing else, and runs nothing', async () => {
    const samples: SampleOptions[] = [
      { frames: 16 },
      { frames: 8, method: 'average' },
      { frames: 8, method: 'max', kernel: [3, 2, 2], stride: [1, 2, 2] },
      { frames: 8, method: 'none' },
      { frames: 16, layout: 'unordered' },
      { frames: 3, stills: true, kernel: [1, 3, 3] },
      { frames: 8, seconds: 7200, size: [36, 64] },
    ]
    for (const sample of samples) checkPage(await page(sample))
  })

  test('shows question, answer, plan, windows and what entered the context', async () => {
    const text = await page({ frames: 16 })
    expect(text).toContain('What number is on the blue square?')
    expect(text).toContain('<bdi>7</bdi>')
    expect(text).toContain('592 → 32')
    expect(text).toContain('pooling windows of 2 frames × 3 × 3 patches')
    expect(text).toContain('<h2 id="windows">How patches became tokens</h2>')
    // A block for each moment, a cell for each token, and a legend of ten.
    expect(count(text, '<span class="step"')).toBe(8)
    expect(text.match(/<i class="h\d">/g)).toHaveLength(32 + 10)
    expect(text).toContain('<pre>USER: </pre>')
  })

  test('shows every frame once, the most important ones large', async () => {
    const text = await page({ frames: 24 })
    expect(count(text, '<figure class="frame"')).toBe(8)
    for (let frame = 0; frame < 24; frame++) expect(count(text, ` id="f${frame}"`)).toBe(1)
    const data = sampleTrace({ frames: 24 })
    const best = data.frames.reduce((most, frame) => (frame.weight > most.weight ? frame : most))
    expect(text).toContain(`<figure class="frame" id="f${best.index}">`)
  })

  test('names neighbouring moments together', async () => {
    const data = sampleTrace({ frames: 8, size: [64, 36] })
    const weights = [0, 0.3, 0.3, 0, 0, 0.4, 0, 0]
    const frames = data.frames.map((frame, index) => ({ ...frame, weight: weights[index] ?? 0 }))
    const text = await tracePage({ ...data, frames })
    const chips = [...text.matchAll(/<li><a href="#f\d"><b>([^<]*)<\/b>\s([^<]*)</g)].map(
      ([, time, share]) => [time, share],
    )
    expect(chips).toEqual([
      ['0:01.5 to 0:02.5', '60\u00a0%'],
      ['0:05.5', '40\u00a0%'],
    ])
  })

  test('says so where there is no relevance', async () => {
    for (const method of ['none', 'average'] as const) {
      const text = await page({ frames: 8, method })
      expect(text).toContain('there is no relevance to the question to show')
      expect(text).toContain('There is no map of relevance')
      expect(text).not.toContain('class="heat"')
      expect(text).not.toContain('id="heat"')
    }
  })

  test('escapes what others wrote', async () => {
    const evil = '</title><script>alert("1")</script><img src=x onerror=\'alert(1)\'>&amp;\u0000\ud800\u202e'
    const texts = { files: [evil], model: evil, question: evil, answer: evil, notes: [evil] }
    const text = await page({ frames: 8, texts })
    checkPage(text)
    expect(text).not.toContain('<script')
    expect(text).not.toContain('<img src=x')
    expect(text).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;')
    expect(text).toContain('&amp;amp;\ufffd\ufffd')
  })

  test('names files without their folders, and pictures by number', async () => {
    const files = ['/home/somebody/private/a.png', 'b.png', 'c.png', 'd.png', 'e.png']
    const text = await page({
      frames: 5,
      stills: true,
      kernel: [1, 3, 3],
      texts: { files, model: '/home/m/tiny' },
    })
    expect(text).toContain('<bdi>a.png</bdi>')
    expect(text).toContain('and 2 more')
    expect(text).not.toContain('/home')
    expect(text).toContain('picture 5')
  })

  test('shows a picture once, however many frames it fills', async () => {
    const data = sampleTrace({ frames: 3, stills: true, kernel: [1, 3, 3], size: [64, 36] })
    expect(data.frames).toHaveLength(24)
    const frames = data.frames.map((frame) => ({ ...frame, weight: frame.timestamp === 1 ? 0.1 : 0.2 / 16 }))
    const text = await tracePage({ ...data, frames })
    expect(count(text, '<figure class="frame"')).toBe(3)
    for (let picture = 0; picture < 3; picture++) expect(count(text, ` id="f${picture}"`)).toBe(1)
    expect(text).toMatch(/<li><a href="#f1"><b>picture 2<\/b> 80\u00a0%/)
    expect(text).not.toMatch(/picture 1 to picture 1|more picture|picture 4/)
  })

  test('puts the heat of a frame where the encoder saw it', async () => {
    // The encoder sees the middle square of a picture twice as wide as high.
    const text = await page({ frames: 8, size: [64, 32] })
    expect(text).toContain('style="left:25.00%;top:0.00%;width:50.00%;height:100.00%;background-position:')
  })

  test('stays below 5 MB for 1,024 frames, with each of them in it', async () => {
    const text = await page({
      frames: 1024,
      seconds: 7200,
      grid: [24, 24],
      kernel: [8, 6, 6],
      size: [104, 58],
    })
    expect(text.length).toBeLessThan(5_000_000)
    expect(text.match(/ id="f\d+"/g)).toHaveLength(1024)
    checkPage(text)
  })
})
