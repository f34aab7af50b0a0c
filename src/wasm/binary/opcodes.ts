// What each accepted instruction takes, gives and carries. Default-deny: whatever has no entry is refused by name.

/** Opcodes that the code names; a prefixed one is its prefix's base plus the number that follows the prefix. */
export const op = {
  unreachable: 0x00,
  nop: 0x01,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  drop: 0x1a,
  select: 0x1b,
  selectTyped: 0x1c,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  tableGet: 0x25,
  tableSet: 0x26,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  refNull: 0xd0,
  refFunc: 0xd2,
  emptyBlock: 0x40,
  i32Eq: 0x46,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32Eqz: 0x45,
  i32Sub: 0x6b,
  i32Add: 0x6a,
  i32And: 0x71,
  f32Ge: 0x60,
  f64Ge: 0x66,
  i64LtS: 0x53,
  i64LeU: 0x58,
  i64GtU: 0x56,
  i64GeU: 0x5a,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64And: 0x83,
  i64Or: 0x84,
  i64Xor: 0x85,
  i64Shl: 0x86,
  i64ShrU: 0x88,
  i32WrapI64: 0xa7,
  i64ExtendI32U: 0xad,
  f64ConvertI64S: 0xb9,
  i32ReinterpretF32: 0xbc,
  i64ReinterpretF64: 0xbd,
  f32ReinterpretI32: 0xbe,
  f64ReinterpretI64: 0xbf,
  i32GeU: 0x4f,
  i32LeU: 0x4d,
  i32GtU: 0x4b,
} as const;

/** Numbers behind the prefix 0xfc. */
export const bulk = {
  i64TruncSatF64S: 6,
  memoryInit: 8,
  dataDrop: 9,
  memoryCopy: 10,
  memoryFill: 11,
  tableInit: 12,
  elemDrop: 13,
  tableCopy: 14,
  tableGrow: 15,
  tableSize: 16,
  tableFill: 17,
} as const;

/** Numbers behind the prefix 0xfd. */
export const simd = {
  v128Const: 12,
  i32x4ExtractLane: 27,
  i32x4ReplaceLane: 28,
  f32x4Eq: 65,
  f32x4Ne: 66,
  f64x2Eq: 71,
  f64x2Ne: 72,
  v128Bitselect: 82,
  v128AnyTrue: 83,
} as const;

export const prefixBulk = 0xfc;
export const prefixSimd = 0xfd;
/** Where prefixed opcodes stand in the one numbering of `opcodeInfo`. */
export const bulkBase = 0x100;
export const simdBase = 0x200;
/** Above every opcode of that numbering. */
export const opcodeEnd = 0x300;

export type ImmediateKind =
  | 'none'
  | 'i32'
  | 'i64'
  | 'f32'
  | 'f64'
  | 'zeroByte'
  | 'zeroBytes2'
  | 'memarg'
  | 'memargLane'
  | 'lane'
  | 'bytes16'
  | 'index'
  | 'index2'
  | 'dataIndexZero'
  | 'referenceType'
  | 'typeList'
  | 'blockType'
  | 'labels';

export interface OpcodeInfo {
  readonly immediate: ImmediateKind;
  /**
   * Operand types taken: i, l, f, d, v; r for a reference; t for any. Empty for control and calls, whose arity
   * varies.
   */
  readonly takes: string;
  readonly gives: string;
}

const infos: (OpcodeInfo | undefined)[] = [];

/** What an opcode of the one numbering is, or undefined where it is not accepted. */
export function opcodeInfo(code: number): OpcodeInfo | undefined {
  return infos[code];
}

/** `ranges`: first, last (the same for one), `takes:gives`. */
function define(
  base: number,
  immediate: ImmediateKind,
  ranges: readonly (readonly [number, number, string])[],
): void {
  for (const [first, last, signature] of ranges) {
    const [takes, gives] = signature.split(':') as [string, string];
    for (let code = first; code <= last; code++) infos[base + code] = { immediate, takes, gives };
  }
}

define(0, 'none', [
  [op.unreachable, op.nop, ':'],
  [op.else, op.else, ':'],
  [op.end, op.end, ':'],
  [op.return, op.return, ':'],
  [op.drop, op.drop, 't:'],
  [op.select, op.select, 'tti:t'],
  [0x45, 0x45, 'i:i'],
  [0x46, 0x4f, 'ii:i'],
  [0x50, 0x50, 'l:i'],
  [0x51, 0x5a, 'll:i'],
  [0x5b, 0x60, 'ff:i'],
  [0x61, 0x66, 'dd:i'],
  [0x67, 0x69, 'i:i'],
  [0x6a, 0x78, 'ii:i'],
  [0x79, 0x7b, 'l:l'],
  [0x7c, 0x8a, 'll:l'],
  [0x8b, 0x91, 'f:f'],
  [0x92, 0x98, 'ff:f'],
  [0x99, 0x9f, 'd:d'],
  [0xa0, 0xa6, 'dd:d'],
  [0xa7, 0xa7, 'l:i'],
  [0xa8, 0xa9, 'f:i'],
  [0xaa, 0xab, 'd:i'],
  [0xac, 0xad, 'i:l'],
  [0xae, 0xaf, 'f:l'],
  [0xb0, 0xb1, 'd:l'],
  [0xb2, 0xb3, 'i:f'],
  [0xb4, 0xb5, 'l:f'],
  [0xb6, 0xb6, 'd:f'],
  [0xb7, 0xb8, 'i:d'],
  [0xb9, 0xba, 'l:d'],
  [0xbb, 0xbb, 'f:d'],
  [0xbc, 0xbc, 'f:i'],
  [0xbd, 0xbd, 'd:l'],
  [0xbe, 0xbe, 'i:f'],
  [0xbf, 0xbf, 'l:d'],
  [0xc0, 0xc1, 'i:i'],
  [0xc2, 0xc4, 'l:l'],
  [0xd1, 0xd1, 'r:i'],
]);
define(0, 'blockType', [[op.block, op.if, ':']]);
define(0, 'labels', [[op.brTable, op.brTable, ':']]);
define(0, 'index', [
  [op.br, op.brIf, ':'],
  [op.call, op.call, ':'],
  [op.returnCall, op.returnCall, ':'],
  [op.localGet, op.localGet, ':t'],
  [op.localSet, op.localSet, 't:'],
  [op.localTee, op.localTee, 't:t'],
  [op.globalGet, op.globalGet, ':t'],
  [op.globalSet, op.globalSet, 't:'],
  [op.tableGet, op.tableGet, 'i:r'],
  [op.tableSet, op.tableSet, 'ir:'],
  [op.refFunc, op.refFunc, ':r'],
]);
define(0, 'index2', [
  [op.callIndirect, op.callIndirect, ':'],
  [op.returnCallIndirect, op.returnCallIndirect, ':'],
]);
define(0, 'typeList', [[op.selectTyped, op.selectTyped, 'tti:t']]);
define(0, 'referenceType', [[op.refNull, op.refNull, ':r']]);
define(0, 'memarg', [
  [0x28, 0x28, 'i:i'],
  [0x29, 0x29, 'i:l'],
  [0x2a, 0x2a, 'i:f'],
  [0x2b, 0x2b, 'i:d'],
  [0x2c, 0x2f, 'i:i'],
  [0x30, 0x35, 'i:l'],
  [0x36, 0x36, 'ii:'],
  [0x37, 0x37, 'il:'],
  [0x38, 0x38, 'if:'],
  [0x39, 0x39, 'id:'],
  [0x3a, 0x3b, 'ii:'],
  [0x3c, 0x3e, 'il:'],
]);
define(0, 'zeroByte', [
  [op.memorySize, op.memorySize, ':i'],
  [op.memoryGrow, op.memoryGrow, 'i:i'],
]);
define(0, 'i32', [[0x41, 0x41, ':i']]);
define(0, 'i64', [[0x42, 0x42, ':l']]);
define(0, 'f32', [[op.f32Const, op.f32Const, ':f']]);
define(0, 'f64', [[op.f64Const, op.f64Const, ':d']]);

define(bulkBase, 'none', [
  [0, 1, 'f:i'],
  [2, 3, 'd:i'],
  [4, 5, 'f:l'],
  [6, 7, 'd:l'],
]);
define(bulkBase, 'dataIndexZero', [[bulk.memoryInit, bulk.memoryInit, 'iii:']]);
define(bulkBase, 'index', [
  [bulk.dataDrop, bulk.dataDrop, ':'],
  [bulk.elemDrop, bulk.elemDrop, ':'],
  [bulk.tableGrow, bulk.tableGrow, 'ri:i'],
  [bulk.tableSize, bulk.tableSize, ':i'],
  [bulk.tableFill, bulk.tableFill, 'iri:'],
]);
define(bulkBase, 'zeroBytes2', [[bulk.memoryCopy, bulk.memoryCopy, 'iii:']]);
define(bulkBase, 'zeroByte', [[bulk.memoryFill, bulk.memoryFill, 'iii:']]);
define(bulkBase, 'index2', [
  [bulk.tableInit, bulk.tableInit, 'iii:'],
  [bulk.tableCopy, bulk.tableCopy, 'iii:'],
]);

define(simdBase, 'memarg', [
  [0, 10, 'i:v'],
  [11, 11, 'iv:'],
  [92, 93, 'i:v'],
]);
define(simdBase, 'memargLane', [
  [84, 87, 'iv:v'],
  [88, 91, 'iv:'],
]);
define(simdBase, 'bytes16', [
  [12, 12, ':v'],
  [13, 13, 'vv:v'],
]);
define(simdBase, 'lane', [
  [21, 22, 'v:i'],
  [23, 23, 'vi:v'],
  [24, 25, 'v:i'],
  [26, 26, 'vi:v'],
  [27, 27, 'v:i'],
  [28, 28, 'vi:v'],
  [29, 29, 'v:l'],
  [30, 30, 'vl:v'],
  [31, 31, 'v:f'],
  [32, 32, 'vf:v'],
  [33, 33, 'v:d'],
  [34, 34, 'vd:v'],
]);
define(simdBase, 'none', [
  [14, 14, 'vv:v'],
  [15, 17, 'i:v'],
  [18, 18, 'l:v'],
  [19, 19, 'f:v'],
  [20, 20, 'd:v'],
  [35, 76, 'vv:v'],
  [77, 77, 'v:v'],
  [78, 81, 'vv:v'],
  [82, 82, 'vvv:v'],
  [83, 83, 'v:i'],
  [94, 98, 'v:v'],
  [99, 100, 'v:i'],
  [101, 102, 'vv:v'],
  [103, 106, 'v:v'],
  [107, 109, 'vi:v'],
  [110, 115, 'vv:v'],
  [116, 117, 'v:v'],
  [118, 121, 'vv:v'],
  [122, 122, 'v:v'],
  [123, 123, 'vv:v'],
  [124, 129, 'v:v'],
  [130, 130, 'vv:v'],
  [131, 132, 'v:i'],
  [133, 134, 'vv:v'],
  [135, 138, 'v:v'],
  [139, 141, 'vi:v'],
  [142, 147, 'vv:v'],
  [148, 148, 'v:v'],
  [149, 153, 'vv:v'],
  [155, 159, 'vv:v'],
  [160, 161, 'v:v'],
  [163, 164, 'v:i'],
  [167, 170, 'v:v'],
  [171, 173, 'vi:v'],
  [174, 174, 'vv:v'],
  [177, 177, 'vv:v'],
  [181, 186, 'vv:v'],
  [188, 191, 'vv:v'],
  [192, 193, 'v:v'],
  [195, 196, 'v:i'],
  [199, 202, 'v:v'],
  [203, 205, 'vi:v'],
  [206, 206, 'vv:v'],
  [209, 209, 'vv:v'],
  [213, 223, 'vv:v'],
  [224, 225, 'v:v'],
  [227, 227, 'v:v'],
  [228, 235, 'vv:v'],
  [236, 237, 'v:v'],
  [239, 239, 'v:v'],
  [240, 247, 'vv:v'],
  [248, 255, 'v:v'],
]);

const pure = Uint8Array.from({ length: opcodeEnd }, (_, code) => (computesOnly(code) ? 1 : 0));

function computesOnly(code: number): boolean {
  if (code === op.select || code === op.selectTyped) return true;
  const kind = infos[code]?.immediate;
  if (code >= simdBase) return kind === 'none' || kind === 'lane' || kind === 'bytes16';
  return kind === 'none' && (code >= bulkBase || code >= op.i32Eqz);
}

/** Whether an instruction only computes: an optimiser may compute its result once for all places that want it. */
export function isPure(code: number): boolean {
  return pure[code] === 1;
}
