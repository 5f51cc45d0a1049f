export { openBackend } from './open.js'
export type {
  Backend,
  BackendKind,
  GraphModel,
  RunOptions,
  Session,
  SessionOptions,
  Tensor,
  TensorArrays,
  TensorData,
  TensorType,
} from './types.js'
