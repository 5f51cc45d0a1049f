import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { type OpenAiServer, type ReceivedPart, startOpenAi } from '../../../test/openai-server.js'
import { type InputFrame, type LoadOptions, type Longtake, load, type RemoteOptions } from '../../index.js'

export const KEY = 'sk-secret-of-the-test'
export const DEMO = fileURLToPath(new URL('../../../../../tests/data/demo/0000.mp4', import.meta.url))

/** A server for each test, and ways to ask it. */
export class Stage {
  #server: OpenAiServer | undefined

  /** Starts and ends the servers of a file's tests. */
  static use(): Stage {
    const stage = new Stage()
    beforeEach(async () => {
      stage.#server = await startOpenAi()
    })
    afterEach(async () => {
      vi.unstubAllEnvs()
      await stage.#server?.[Symbol.asyncDispose]()
    })
    return stage
  }

  get server(): OpenAiServer {
    if (this.#server === undefined) throw new Error('There is no server outside of tests.')
    return this.#server
  }

  idOf(model = 'some/model'): string {
    return `openai:${this.server.url}#${model}`
  }

  open(remote: RemoteOptions = {}, options: LoadOptions = {}): Promise<Longtake> {
    return load(this.idOf(), { ...options, remote: { key: KEY, ...remote } })
  }

  /** What asking ends with, if not with an answer. */
  async failure(remote: RemoteOptions = {}): Promise<Error & { code: string }> {
    await using longtake = await this.open(remote)
    const error = await ask(longtake).then(
      () => undefined,
      (cause: unknown) => cause,
    )
    if (!(error instanceof Error && 'code' in error)) throw new Error('It was answered.')
    // Whatever goes wrong, nobody may read the key in it.
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(KEY)
    return error as Error & { code: string }
  }

  /** What a question's message consisted of. */
  contentOf(index = 0): readonly ReceivedPart[] {
    return this.server.questions[index]?.body.messages?.[0]?.content ?? []
  }
}

/** Grey pictures, each lighter than the one before. */
export function greys(count: number): InputFrame[] {
  return Array.from({ length: count }, (_, index) => ({
    rgb: new Uint8Array(48 * 32 * 3).fill(index * 8),
    width: 48,
    height: 32,
    timestampSeconds: index * 2.5,
  }))
}

/** Asks about four pictures. */
export async function ask(longtake: Longtake, question = 'What is it?') {
  await using video = await longtake.watchFrames(greys(4))
  return await video.ask(question)
}
