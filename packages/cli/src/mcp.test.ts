import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { expect, test } from 'vitest'

const path = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url))

test('longtake mcp serves a client on standard input and output, and ends with it', async () => {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [path('packages/cli/bin/longtake.js'), 'mcp', '--folder', path('tests/data/demo')],
    stderr: 'pipe',
  })
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(transport)
  const { pid } = transport
  expect(client.getServerVersion()?.name).toBe('longtake')
  const { content } = await client.callTool({
    name: 'ask_video',
    arguments: { video: '0000.mp4', question: 'Which shape is at the start of the video?' },
  })
  expect(content).toMatchObject([{ type: 'text', text: expect.stringMatching(/^square/i) }])
  await client.close()
  expect(() => process.kill(pid ?? 0, 0)).toThrow(/ESRCH/)
})
