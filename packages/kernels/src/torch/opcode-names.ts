const NAMES =
  `MARK ( STOP . POP 0 POP_MARK 1 DUP 2 FLOAT F INT I BININT J BININT1 K LONG L BININT2 M NONE N PERSID P
  BINPERSID Q REDUCE R STRING S BINSTRING T SHORT_BINSTRING U UNICODE V BINUNICODE X APPEND a BUILD b GLOBAL c DICT d
  EMPTY_DICT } APPENDS e GET g BINGET h INST i LONG_BINGET j LIST l EMPTY_LIST ] OBJ o PUT p BINPUT q LONG_BINPUT r
  SETITEM s TUPLE t EMPTY_TUPLE ) SETITEMS u BINFLOAT G BINBYTES B SHORT_BINBYTES C`.split(/\s+/)

/** The opcodes from 0x80 on, in order. */
const HIGH_NAMES =
  `PROTO NEWOBJ EXT1 EXT2 EXT4 TUPLE1 TUPLE2 TUPLE3 NEWTRUE NEWFALSE LONG1 LONG4 SHORT_BINUNICODE
  BINUNICODE8 BINBYTES8 EMPTY_SET ADDITEMS FROZENSET NEWOBJ_EX STACK_GLOBAL MEMOIZE FRAME BYTEARRAY8 NEXT_BUFFER
  READONLY_BUFFER`.split(/\s+/)

const BY_CODE: ReadonlyMap<number, string> = new Map([
  ...Array.from({ length: NAMES.length / 2 }, (_, i): [number, string] => [
    NAMES[2 * i + 1]?.charCodeAt(0) ?? 0,
    NAMES[2 * i] ?? '',
  ]),
  ...HIGH_NAMES.map((name, i): [number, string] => [0x80 + i, name]),
])

/** What an opcode of Python's pickle is called, protocols 0 to 5. */
export function opcodeName(code: number): string {
  return BY_CODE.get(code) ?? 'of no protocol'
}
