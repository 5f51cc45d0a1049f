import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

const [folder = '.', video = 'talk.mp4', question = 'What is shown first?'] = process.argv.slice(2)

// What editors and desktop agents do with their configuration. Only files of this folder can be named.
const transport = new StdioClientTransport({ command: 'npx', args: ['longtake', 'mcp', '--folder', folder] })
const client = new Client({ name: 'example', version: '1.0.0' })
await client.connect(transport)

const { tools } = await client.listTools()
console.log(tools.map(({ name }) => name).join(', '))

const { content } = await client.callTool({ name: 'ask_video', arguments: { video, question } })
for (const part of content) if (part.type === 'text') console.log(part.text)

// Ends the server too.
await client.close()
