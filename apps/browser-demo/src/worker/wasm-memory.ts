/** Memories of WebAssembly in this worker: ONNX Runtime keeps its own to itself, so they are noted as they are made. */
const memories: WebAssembly.Memory[] = []

class NotedMemory extends WebAssembly.Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor)
    memories.push(this)
  }
}

WebAssembly.Memory = NotedMemory

/** Bytes that WebAssembly has taken in this worker. */
export function wasmBytes(): number {
  return memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)
}
