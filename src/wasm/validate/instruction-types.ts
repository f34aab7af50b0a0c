// Facts about instructions in the form that the validator reads fast: signatures, natural alignments, numbers of lanes.
import { bulkBase, op, opcodeInfo, simdBase } from '../binary/opcodes.ts';
import { valueType } from '../binary/types.ts';

/** Stands for any type, behind code that never goes on (section 3.3: stack-polymorphic). */
export const unknownType = 0;

const codeByLetter: Readonly<Record<string, number>> = {
  i: valueType.i32,
  l: valueType.i64,
  f: valueType.f32,
  d: valueType.f64,
  v: valueType.v128,
  r: valueType.funcref,
};

const opcodeCount = simdBase + 0x100;

/** What of an instruction follows from its opcode alone. */
export const Shape = {
  /** Not taken at all. */
  refused: 0,
  /** No immediate, or one that cannot be wrong. */
  plain: 1,
  memory: 2,
  memoryLane: 3,
  lane: 4,
  /** Has rules of its own. */
  special: 5,
} as const;

export const shapes: Uint8Array = new Uint8Array(opcodeCount);
/** Types that an instruction takes, the last one in the lowest byte, and gives (one byte; 0 for nothing). */
export const takes: Int32Array = new Int32Array(opcodeCount);
export const gives: Uint8Array = new Uint8Array(opcodeCount);
/** The greatest alignment of an access, as an exponent of 2. */
export const alignments: Uint8Array = new Uint8Array(opcodeCount);
export const laneCounts: Uint8Array = new Uint8Array(opcodeCount);

for (let code = 0; code < opcodeCount; code++) {
  const info = opcodeInfo(code);
  if (info === undefined) continue;
  const letters = info.takes + info.gives;
  if (info.immediate === 'memarg') shapes[code] = Shape.memory;
  else if (info.immediate === 'memargLane') shapes[code] = Shape.memoryLane;
  else if (info.immediate === 'lane') shapes[code] = Shape.lane;
  else
    shapes[code] =
      info.immediate === 'none' && letters !== '' && !letters.includes('t') ? Shape.plain : Shape.special;
  for (const letter of info.takes) takes[code] = (takes[code]! << 8) | (codeByLetter[letter] ?? 0);
  gives[code] = codeByLetter[info.gives] ?? 0;
}

function fill(into: Uint8Array, base: number, values: Readonly<Record<number, readonly number[]>>): void {
  for (const [value, codes] of Object.entries(values)) {
    for (const code of codes) into[base + code] = Number(value);
  }
}

fill(alignments, 0, {
  1: [0x2e, 0x2f, 0x32, 0x33, 0x3b, 0x3d],
  2: [0x28, 0x2a, 0x34, 0x35, 0x36, 0x38, 0x3e],
  3: [0x29, 0x2b, 0x37, 0x39],
});
fill(alignments, simdBase, {
  1: [8, 85, 89],
  2: [9, 86, 90, 92],
  3: [1, 2, 3, 4, 5, 6, 10, 87, 91, 93],
  4: [0, 11],
});
fill(laneCounts, simdBase, {
  2: [29, 30, 33, 34, 87, 91],
  4: [27, 28, 31, 32, 86, 90],
  8: [24, 25, 26, 85, 89],
  16: [21, 22, 23, 84, 88],
});

/** How the immediates of a simple instruction are read; 0 for what is not simple. */
export const SimpleForm = {
  localGet: 1,
  localSet: 2,
  localTee: 3,
  none: 4,
  memory: 5,
  number: 6,
  bytes4: 7,
  bytes8: 8,
} as const;

/** No simple instruction of short numbers is longer. */
export const simpleBytesMax = 9;

const simpleFormByCode = new Map<number, number>([
  [op.localGet, SimpleForm.localGet],
  [op.localSet, SimpleForm.localSet],
  [op.localTee, SimpleForm.localTee],
  [op.i32Const, SimpleForm.number],
  [op.i64Const, SimpleForm.number],
  [op.f32Const, SimpleForm.bytes4],
  [op.f64Const, SimpleForm.bytes8],
]);

/** By first byte: the instructions that nearly all code is made of, whose rules are types and one immediate. */
export const simpleForms: Uint8Array = Uint8Array.from({ length: 0x100 }, (_, code) =>
  shapes[code] === Shape.plain
    ? SimpleForm.none
    : shapes[code] === Shape.memory
      ? SimpleForm.memory
      : (simpleFormByCode.get(code) ?? 0),
);

/** How an opcode is written in errors, e.g. `0x6a` or `0xfd 0x0c`. */
export function opcodeText(code: number): string {
  const hex = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`;
  if (code < bulkBase) return hex(code);
  return code < simdBase ? `0xfc ${hex(code - bulkBase)}` : `0xfd ${hex(code - simdBase)}`;
}

/** Whether an opcode opens a construct. */
export function opens(code: number): boolean {
  return code === op.block || code === op.loop || code === op.if;
}
