import { opcodeName } from './opcode-names.js'
import { ofKind, type PickleDict, type PickleSequence, type PickleValue } from './pickle-values.js'
import { isKnownGlobal, rebuild, storageOf } from './rebuild.js'
import { malformed, refused, shown } from './refuse.js'
import { utf8 } from './utf8.js'

/** Longest name of a module or of something in it, bytes. */
const MAX_NAME_BYTES = 256

/**
 * Most opcodes of one pickle: a tensor takes about 35, a shard of a 7B checkpoint 10,000. Bounds memory too, because a
 * value of one byte in the file may be an object of hundreds.
 */
const MAX_STEPS = 1_000_000

/**
 * Reads the pickle of a state dict. Nothing is executed, imported or called: a closed list of opcodes moves values on a
 * stack, and the few globals that `torch.save` writes become plain descriptions. Every opcode makes at most one
 * value, so that time and memory are proportional to their number.
 *
 * @param bytes - The pickle, protocol 2, 3 or 4.
 * @param file - Name for errors.
 * @throws {CheckpointError} CHECKPOINT_UNSUPPORTED naming an opcode or a global outside the lists;
 *   CHECKPOINT_INVALID for a pickle that contradicts itself or ends early.
 * @remarks Source: Python's pickletools, which describes every opcode.
 */
export function readPickle(bytes: Uint8Array, file: string): PickleValue {
  const machine = new Machine(bytes, file)
  return machine.run()
}

class Machine {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #file: string
  readonly #stack: PickleValue[] = []
  readonly #marks: number[] = []
  readonly #memo = new Map<number, PickleValue>()
  /** Next byte. */
  #position = 0
  /** Where the opcode at work begins. */
  #start = 0

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#file = file
  }

  run(): PickleValue {
    if (this.byte() !== 0x80) throw this.bad('begins with no protocol')
    const protocol = this.byte()
    if (protocol < 2 || protocol > 4) throw this.refuse(`has protocol ${protocol}, not 2 to 4`)
    for (let step = 0; step < MAX_STEPS; step++) {
      this.#start = this.#position
      const code = this.byte()
      if (code === STOP) return this.#result()
      const run = STEPS.get(code)
      if (!run)
        throw this.refuse(`has the opcode 0x${code.toString(16)} (${opcodeName(code)}), which is never run`)
      run(this)
    }
    throw this.refuse(`has more than ${MAX_STEPS} opcodes`)
  }

  #result(): PickleValue {
    const value = this.pop()
    if (this.#stack.length > 0 || this.#marks.length > 0) throw this.bad('stops with values left over')
    if (this.#position !== this.#bytes.length) throw this.bad('goes on behind its end')
    return value
  }

  bad(what: string): Error {
    return malformed(this.#file, `the pickle ${what}, at byte ${this.#start}`)
  }

  refuse(what: string): Error {
    return refused(this.#file, `the pickle ${what}, at byte ${this.#start}`)
  }

  /** Goes over bytes that the caller then looks at. */
  #take(length: number): number {
    const start = this.#position
    if (length > this.#bytes.length - start) throw this.bad('is cut off')
    this.#position += length
    return start
  }

  byte(): number {
    return this.#view.getUint8(this.#take(1))
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true)
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true)
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8), false)
  }

  text(length: number): string {
    const start = this.#take(length)
    const text = utf8(this.#bytes.subarray(start, start + length))
    if (text === undefined) throw this.bad('has text that is not UTF-8')
    return text
  }

  line(): string {
    const window = this.#bytes.subarray(this.#position, this.#position + MAX_NAME_BYTES + 1)
    const length = window.indexOf(0x0a)
    if (length < 0) throw this.bad('has a name without an end')
    const text = this.text(length)
    this.#position++
    return text
  }

  /** A frame only groups opcodes; it must not claim more than there is. */
  frame(): void {
    const start = this.#take(8)
    const length = this.#view.getBigUint64(start, true)
    if (length > BigInt(this.#bytes.length - this.#position)) throw this.bad('has a frame beyond its end')
  }

  /** A whole number of any length that is still held exactly, lowest byte first. */
  long(length: number): number {
    const start = this.#take(length)
    let value = 0n
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#view.getUint8(start + i))
    const number = Number(length > 0 ? BigInt.asIntN(8 * length, value) : 0n)
    if (!Number.isSafeInteger(number)) throw this.bad(`has a whole number of ${length} bytes`)
    return number
  }

  push(value: PickleValue): void {
    this.#stack.push(value)
  }

  pop(): PickleValue {
    const value = this.#stack.length > (this.#marks.at(-1) ?? 0) ? this.#stack.pop() : undefined
    if (value === undefined) throw this.bad('takes a value that is not there')
    return value
  }

  top(): PickleValue {
    const value = this.pop()
    this.push(value)
    return value
  }

  mark(): void {
    this.#marks.push(this.#stack.length)
  }

  toMark(): PickleValue[] {
    const mark = this.#marks.pop()
    if (mark === undefined) throw this.bad('goes back to a mark that is not there')
    return this.#stack.splice(mark)
  }

  tuple(length: number): void {
    const items = Array.from({ length }, () => this.pop()).reverse()
    this.push({ kind: 'tuple', items })
  }

  remember(slot = this.#memo.size): void {
    this.#memo.set(slot, this.top())
  }

  recall(slot: number): void {
    const value = this.#memo.get(slot)
    if (value === undefined) throw this.bad(`recalls ${slot}, which it never stored`)
    this.push(value)
  }

  list(): PickleSequence {
    const list = ofKind(this.top(), 'list')
    if (!list) throw this.bad('appends to what is no list')
    return list
  }

  dict(): PickleDict {
    const dict = ofKind(this.top(), 'dict')
    if (!dict) throw this.bad('sets an item of what is no dict')
    return dict
  }
}

type Step = (machine: Machine) => void

const STOP = 0x2e

const STEPS: ReadonlyMap<number, Step> = new Map<number, Step>([
  [0x28, (m) => m.mark()],
  [0x29, (m) => m.push({ kind: 'tuple', items: [] })],
  [0x47, (m) => m.push(m.double())],
  [0x4a, (m) => m.push(m.int32())],
  [0x4b, (m) => m.push(m.byte())],
  [0x4d, (m) => m.push(m.uint16())],
  [0x4e, (m) => m.push(null)],
  [0x51, persistent],
  [0x52, reduce],
  [0x58, (m) => m.push(m.text(m.uint32()))],
  [0x5d, (m) => m.push({ kind: 'list', items: [] })],
  [0x61, (m) => append(m, [m.pop()])],
  [0x62, build],
  [0x63, (m) => global(m, m.line(), m.line())],
  [0x65, (m) => append(m, m.toMark())],
  [0x68, (m) => m.recall(m.byte())],
  [0x6a, (m) => m.recall(m.uint32())],
  [0x71, (m) => m.remember(m.byte())],
  [0x72, (m) => m.remember(m.uint32())],
  [0x73, (m) => setItems(m, [m.pop(), m.pop()].reverse())],
  [0x74, (m) => m.push({ kind: 'tuple', items: m.toMark() })],
  [0x75, (m) => setItems(m, m.toMark())],
  [0x7d, (m) => m.push({ kind: 'dict', entries: new Map() })],
  [0x85, (m) => m.tuple(1)],
  [0x86, (m) => m.tuple(2)],
  [0x87, (m) => m.tuple(3)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [0x8a, (m) => m.push(m.long(m.byte()))],
  [0x8c, (m) => m.push(m.text(m.byte()))],
  [0x93, stackGlobal],
  [0x94, (m) => m.remember()],
  [0x95, (m) => m.frame()],
])

function append(machine: Machine, values: readonly PickleValue[]): void {
  const { items } = machine.list()
  for (const value of values) items.push(value)
}

function setItems(machine: Machine, values: readonly PickleValue[]): void {
  const { entries } = machine.dict()
  if (values.length % 2 !== 0) throw machine.bad('sets a key without a value')
  for (let i = 0; i < values.length; i += 2) {
    const key = values[i]
    if (typeof key !== 'string' && typeof key !== 'number') throw machine.bad('has a key that is no text')
    if (entries.has(key)) throw machine.bad(`sets the key ${shown(key)} twice`)
    entries.set(key, values[i + 1] ?? null)
  }
}

function stackGlobal(machine: Machine): void {
  const name = machine.pop()
  const module = machine.pop()
  if (typeof name !== 'string' || typeof module !== 'string') throw machine.bad('names a global by no text')
  global(machine, module, name)
}

function global(machine: Machine, module: string, name: string): void {
  const full = `${module}.${name}`
  if (!isKnownGlobal(full)) {
    throw machine.refuse(`asks for ${shown(full)}; only tensors are read and nothing is run`)
  }
  machine.push({ kind: 'global', name: full })
}

function reduce(machine: Machine): void {
  const values = machine.pop()
  const callee = machine.pop()
  const made = rebuild(callee, values)
  if (made === undefined) {
    const name = ofKind(callee, 'global')?.name ?? 'what is no function'
    throw machine.bad(`calls ${name} with other arguments than torch writes`)
  }
  machine.push(made)
}

function persistent(machine: Machine): void {
  const storage = storageOf(machine.pop())
  if (!storage) throw machine.bad('names a storage in another way than torch does')
  machine.push(storage)
}

/** Attributes of a dict, such as the `_metadata` of a state dict, change no tensor and are dropped. */
function build(machine: Machine): void {
  machine.pop()
  if (!ofKind(machine.top(), 'dict')) throw machine.bad('sets attributes of what is no dict')
}
