export { openBackend } from './open.js'
export type {
  Backend,
  BackendKind,
  RunOptions,
  Session,
  SessionModel,
  SessionOptions,
  Tensor,
  TensorArrays,
  TensorData,
  TensorType,
  WebBackendKind,
  WeightFile,
} from './types.js'
