export type { PictureRegion } from '@longtake/kernels'
export type { Answer, AnswerResult, AnswerTimings, AnswerUsage, FrameWeight } from '../engine/answer.js'
export type { AskOptions, SamplingDefaults, SamplingOptions } from '../engine/ask-options.js'
export type { Inspection, InspectOptions, NamedArray } from '../engine/inspect.js'
export type { Longtake } from '../engine/loaded-longtake.js'
export type { AnswerTrace, TraceWindow } from '../engine/trace.js'
export type {
  InputFrame,
  WatchFramesOptions,
  WatchOptions,
  WatchProgress,
  WatchStage,
} from '../engine/watch-options.js'
export type { WatchedVideo } from '../engine/watched-video.js'
export type { Backend, WebBackendKind } from '../ort/types.js'
export type { FramesOptions, VideoFrame } from '../video/frame-iteration.js'
export { mattered } from '../video/heat.js'
export type { Video } from '../video/open-video-with.js'
export type { Picture } from '../video/picture.js'
export type { StoryboardOptions } from '../video/storyboard.js'
export type { VideoInput, VideoInputs, VideoSource } from '../video/video-source.js'
export { load } from './load.js'
export type { DownloadProgress, LoadOptions, WasmPaths, WebCheckpoint } from './load-options.js'
export { openVideo } from './open-video.js'
