export type {
  Activation,
  AlignmentConfig,
  AlignmentNames,
  BtAdapterConfig,
  ClipTextConfig,
  ClipTextNames,
  DecoderConfig,
  DecoderNames,
  GridResizeConfig,
  PatchPoolConfig,
  ProjectorConfig,
  VisionConfig,
  WeightType,
} from './config.js'
export { portableCrc32 } from './crc32.js'
export { buildAlignment } from './guide/alignment.js'
export { buildPooling } from './guide/pooling.js'
export { buildRelevance } from './guide/relevance.js'
export { isNestedBeyond } from './json-depth.js'
export type {
  Dimension,
  ExternalData,
  GraphModel,
  TensorType,
  ValueSpec,
  Weight,
  WeightPart,
  WeightPlace,
} from './onnx/model.js'
export { originalVideoLlavaProcessing, parseImageProcessing } from './preprocess/config.js'
export {
  type PictureRegion,
  preprocessFrame,
  preprocessTile,
  processedSize,
  seenRegion,
  type TilePlace,
} from './preprocess/frame.js'
export type { Bytes } from './preprocess/resize.js'
export type {
  ImageProcessing,
  PictureSize,
  ResampleFilter,
  ResizeArithmetic,
} from './preprocess/types.js'
export { buildProjector } from './projector.js'
export {
  dequantizeBlockwise,
  type QuantizedMatrix,
  type QuantizeOptions,
  quantizeBlockwise,
} from './quantize/blockwise.js'
export { bytesAccess, openSafetensors } from './safetensors/open.js'
export { parseShardIndex, type ShardIndex } from './safetensors/shard-index.js'
export type { RandomAccess, TensorDtype, TensorInfo, TensorSource } from './tensor-source.js'
export { buildClipText } from './text/clip-text.js'
export { buildDecoder, type DecoderOptions } from './text/decoder.js'
export { buildKvCompressor, type KvCompressorOptions } from './text/kv-compressor.js'
export { stretchedLength, stretchPositions } from './text/stretch-positions.js'
export { openTorch } from './torch/open.js'
export { buildVisionEncoder } from './vision/encoder.js'
export { buildGridResize } from './vision/grid-resize.js'
export { type ModelInMemory, prepareWeight, readIntoMemory, type TakeBytes } from './weights/prepare.js'
