import { wholeProject } from '../install.js'
import type { Check } from '../row.js'

const names = { runtime: 'node 20', manager: 'npm' }

export const commandChecks: readonly Check[] = [
  {
    ...names,
    check: 'npx longtake ask',
    run: async (place) => {
      const project = await wholeProject(place)
      const video = place.repository('tests/data/demo/0000.mp4')
      const answer = await project.run('npx', [
        '--no',
        'longtake',
        'ask',
        video,
        'When does the yellow star come?',
      ])
      if (!/^start\b/m.test(answer)) throw new Error(answer)
      return undefined
    },
  },
  {
    ...names,
    check: 'npx longtake doctor',
    run: async (place) => {
      const report = await (await wholeProject(place)).run('npx', ['--no', 'longtake', 'doctor'])
      for (const line of [/back end +resident/, /decoders +FFmpeg/, /checkpoint +@longtake\/tiny/]) {
        if (!line.test(report)) throw new Error(report)
      }
      return undefined
    },
  },
]
