import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EngineError } from '@longtake/core'

const run = promisify(execFile)

/** Output kept of a program; ffmpeg is asked for errors only. */
const MAX_OUTPUT = 1 << 20

/**
 * Runs the ffmpeg program, on which only the sampling benchmark depends.
 *
 * @returns What it wrote to stdout.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if it is not installed, `ENGINE_FAILED` with its last words otherwise.
 */
export async function runFfmpeg(args: readonly string[]): Promise<string> {
  const quiet = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y']
  try {
    const { stdout } = await run('ffmpeg', [...quiet, ...args], { maxBuffer: MAX_OUTPUT })
    return stdout
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      throw new EngineError(
        'ENGINE_UNAVAILABLE',
        'The ffmpeg program is not installed, and this benchmark compares with it.',
        { cause },
      )
    }
    const words = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause)
    throw new EngineError('ENGINE_FAILED', `ffmpeg failed: ${words.trim().slice(-500)}`, { cause })
  }
}

/** A long video is short pieces put end to end: the same to a demuxer and a decoder, and quick to make. */
const PIECE_SECONDS = 25
const RATE = 30
/** x264's own default: the distance between keyframes that most files on the web have. */
const GOP_FRAMES = 250

export interface LongVideo {
  readonly seconds: number
  readonly width: number
  readonly height: number
}

/**
 * Makes an H.264 file with a keyframe every 250 frames: moving patterns under grain, at the bit rate of film.
 *
 * @param seconds - Whole seconds; rounded up to pieces of 25.
 * @param scratch - Path of a file that may be written and left behind.
 */
export async function makeLongVideo(
  path: string,
  scratch: string,
  { seconds, width, height }: LongVideo,
): Promise<void> {
  const source = `testsrc2=size=${width}x${height}:rate=${RATE}:duration=${PIECE_SECONDS},noise=alls=12:allf=t`
  const coding = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '26', '-pix_fmt', 'yuv420p']
  const groups = ['-g', String(GOP_FRAMES), '-keyint_min', String(GOP_FRAMES), '-sc_threshold', '0']
  await runFfmpeg(['-f', 'lavfi', '-i', source, ...coding, ...groups, scratch])
  const repeats = Math.ceil(seconds / PIECE_SECONDS) - 1
  await runFfmpeg([
    '-stream_loop',
    String(repeats),
    '-i',
    scratch,
    '-c',
    'copy',
    '-movflags',
    '+faststart',
    path,
  ])
}

/** Milliseconds that a decode of the whole file takes, with as many threads as ffmpeg wants. */
export async function timeFullDecode(path: string): Promise<number> {
  const start = performance.now()
  await runFfmpeg(['-i', path, '-map', '0:v:0', '-f', 'null', '-'])
  return performance.now() - start
}
