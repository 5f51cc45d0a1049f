import { wholeProject } from '../install.js'
import type { Place } from '../place.js'
import type { Check } from '../row.js'

/** A program for each package beside the runtime, and what it prints. */
const PROGRAMS: Record<
  string,
  readonly [program: (video: string, folder: string) => string, printed: RegExp]
> = {
  '@longtake/jobs': [
    () => `
      import { openQueue } from '@longtake/jobs'
      const queue = await openQueue({ folder: 'jobs' })
      queue.work(async ({ job, token }) => { token('seven'); return job.question.length }, { concurrency: 1 })
      const { id } = await queue.submit({ question: 'How many?' }, { key: 'ann' })
      for await (const event of queue.watch(id)) if (event.type === 'done') console.log(event.result)
      await queue.close()`,
    /^9$/,
  ],
  '@longtake/ai with ai': [
    (video) => `
      import { createLongtake } from '@longtake/ai'
      import { generateText } from 'ai'
      import { readFile } from 'node:fs/promises'
      const longtake = createLongtake()
      const content = [
        { type: 'file', mediaType: 'video/mp4', data: await readFile('${video}') },
        { type: 'text', text: 'When does the yellow star come?' },
      ]
      const { text } = await generateText({ model: longtake('@longtake/tiny'), messages: [{ role: 'user', content }] })
      console.log(text)
      await longtake.close()`,
    /^start$/,
  ],
  '@longtake/mcp with its client': [
    (_, folder) => `
      import { Client } from '@modelcontextprotocol/client'
      import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
      const client = new Client({ name: 'consumer', version: '1.0.0' })
      const args = ['--no', 'longtake', 'mcp', '--folder', '${folder}']
      await client.connect(new StdioClientTransport({ command: 'npx', args, env: process.env }))
      const question = { video: '0000.mp4', question: 'When does the yellow star come?' }
      const { content } = await client.callTool({ name: 'ask_video', arguments: question })
      console.log(content[0].text.split('\\n')[0])
      await client.close()`,
    /^start\b/,
  ],
}

export const packageChecks: readonly Check[] = Object.entries(PROGRAMS).map(([name, [program, printed]]) => ({
  runtime: 'node 20',
  manager: 'npm',
  check: name,
  run: async (place: Place) => {
    const project = await wholeProject(place)
    const folder = place.repository('tests/data/demo')
    const code = program(`${folder}/0000.mp4`, folder)
    const stdout = await project.run(place.tools.node, ['--input-type=module', '--eval', code])
    if (!printed.test(stdout.trim())) throw new Error(`It printed ${stdout}`)
    return undefined
  },
}))
