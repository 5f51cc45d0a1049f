import { isLongtakeError } from '@longtake/core'
import type { CallToolResult } from '@modelcontextprotocol/server'

export type ToolResult = CallToolResult

/** What is wrong is an answer of the tool, so that the agent reads it and can do better; bugs tell nothing of the inside. */
export async function answering(work: () => Promise<ToolResult>): Promise<ToolResult> {
  try {
    return await work()
  } catch (error) {
    const isOurs = isLongtakeError(error)
    if (isOurs && error.code === 'CANCELLED') throw error
    const text = isOurs
      ? `${error.message} (${error.code})`
      : 'Something went wrong inside Longtake. Try again; if it stays, report it.'
    return { content: [{ type: 'text', text }], isError: true }
  }
}
