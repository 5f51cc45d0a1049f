import './require-node-av.js'

// Constants load the binary too.
export * from 'node-av/constants'
export {
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  Filter,
  type FilterContext,
  FilterGraph,
  FilterInOut,
  Frame,
  Log,
  Packet,
  Rational,
} from 'node-av/lib'
