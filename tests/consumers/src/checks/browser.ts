import { join } from 'node:path'
import { wholeProject } from '../install.js'
import type { Place } from '../place.js'
import type { FiftyAnswers } from '../programs/fifty.js'
import { bringPrograms, bundle } from '../programs.js'
import { bringQuestions, compareAnswers } from '../questions.js'
import type { Check } from '../row.js'
import { withPage } from '../web-page.js'
import { pureOnNode } from './bundles.js'
import { nodeAnswers } from './questions.js'

export const browserChecks: readonly Check[] = [
  {
    runtime: 'chromium',
    manager: 'npm',
    check: 'core and kernels',
    run: async (place) => {
      const computed = await inPage<string>(place, 'pure-web.js', 'pure()')
      if (computed !== (await pureOnNode(place))) throw new Error(`It computes ${computed}.`)
      return undefined
    },
  },
  {
    runtime: 'chromium',
    manager: 'npm',
    check: 'the same 50 questions, the same answers',
    run: async (place) => {
      await bringQuestions(place, await wholeProject(place))
      const answers = await inPage<FiftyAnswers>(place, 'fifty-web.js', 'fifty()')
      return compareAnswers(answers, await nodeAnswers(place))
    },
  },
]

/** Bundles a program, and what an expression gives in a page that has run it. */
async function inPage<T>(place: Place, entry: string, expression: string): Promise<T> {
  const project = await wholeProject(place)
  await bringPrograms(project)
  await bundle(place, project, entry, 'browser')
  const installed = join(project.folder, 'node_modules')
  const folders = {
    '/checkpoint/': join(installed, '@longtake/tiny/checkpoint'),
    '/onnxruntime-web/': join(installed, 'onnxruntime-web/dist'),
    '/': project.folder,
  }
  return withPage(folders, async (page) => {
    await page.addScriptTag({ type: 'module', url: `/${entry}.browser.mjs` })
    return (await page.evaluate(expression)) as T
  })
}
