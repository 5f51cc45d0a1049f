import type { WatchedVideo } from '@longtake/runtime'
import { type IsolatedLongtake, type IsolatedOptions, loadIsolated } from '@longtake/runtime/isolated'
import { type Lease, WatchedMedia } from '@longtake/runtime/open-videos'
import { McpServer, type ServerContext } from '@modelcontextprotocol/server'
import { answerText, evidence, planText, storyboardText } from './describe.js'
import { progressOf } from './progress.js'
import { askSchema, planSchema, storyboardSchema, type VideoArguments, watchOptions } from './schemas.js'
import { answering, type ToolResult } from './tool-result.js'
import { namedVideo, type SourceOptions } from './video-sources.js'

const OPEN_VIDEOS = 2

export interface McpOptions extends SourceOptions {
  /** Options of `loadIsolated`. */
  readonly load?: IsolatedOptions | undefined
  /** Watched videos that are kept for further questions; default 2. */
  readonly openVideos?: number | undefined
  /** Shown to clients; default `0.0.0`. */
  readonly version?: string | undefined
}

/** A model whose videos agents may ask about: `ask_video`, `plan_video` and `storyboard`. */
export class VideoTools implements AsyncDisposable {
  readonly #model: IsolatedLongtake
  readonly #videos: WatchedMedia
  readonly #options: McpOptions

  private constructor(model: IsolatedLongtake, options: McpOptions) {
    this.#model = model
    this.#videos = new WatchedMedia(async () => model, options.openVideos ?? OPEN_VIDEOS)
    this.#options = options
  }

  /**
   * Loads a model into a process of its own, since agents bring links from strangers.
   *
   * @param model - As `load` of `@longtake/runtime` takes it.
   * @throws {LongtakeError} As `loadIsolated`.
   */
  static async open(model: string, options: McpOptions = {}): Promise<VideoTools> {
    return new VideoTools(await loadIsolated(model, options.load), options)
  }

  /** A server with these tools, for one connection; all of them share the model and its videos. */
  server(): McpServer {
    const server = new McpServer({ name: 'longtake', version: this.#options.version ?? '0.0.0' })
    server.registerTool('ask_video', askSchema, (args, context) =>
      answering(() => this.#ask(args.question, args, context)),
    )
    server.registerTool('plan_video', planSchema, (args, context) =>
      answering(() => this.#plan(args, context)),
    )
    server.registerTool('storyboard', storyboardSchema, (args, context) =>
      answering(() => this.#storyboard(args, context)),
    )
    return server
  }

  /** Ends what is under way, closes the videos and frees the model. */
  async close(): Promise<void> {
    await this.#videos.close()
    await this.#model.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #ask(question: string, args: VideoArguments, context: ServerContext): Promise<ToolResult> {
    await using lease = await this.#watch(args, context)
    const { video } = lease
    const result = await video.ask(question, { signal: context.mcpReq.signal })
    return {
      content: [{ type: 'text', text: answerText(result, video) }],
      structuredContent: evidence(result, video),
    }
  }

  async #plan(args: VideoArguments, { mcpReq: { signal } }: ServerContext): Promise<ToolResult> {
    const named = await namedVideo(args.video, this.#options)
    const options = { ...watchOptions(args), signal }
    const { facts, plan } = await this.#model.planned(await named.open(signal), options)
    return { content: [{ type: 'text', text: planText(plan, facts) }], structuredContent: { facts, plan } }
  }

  async #storyboard(args: VideoArguments, context: ServerContext): Promise<ToolResult> {
    await using lease = await this.#watch(args, context)
    const png = await lease.video.storyboard()
    return {
      content: [
        { type: 'image', data: Buffer.from(png).toString('base64'), mimeType: 'image/png' },
        { type: 'text', text: storyboardText(lease.video) },
      ],
    }
  }

  /** Watches, or finds what was watched in the same way. */
  async #watch(args: VideoArguments, context: ServerContext): Promise<Lease<WatchedVideo>> {
    const named = await namedVideo(args.video, this.#options)
    return this.#videos.acquire(named, watchOptions(args), context.mcpReq.signal, progressOf(context))
  }
}
