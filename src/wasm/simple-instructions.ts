// Which instructions are simple: one byte of opcode, at most two immediates that need no look, and nothing to do but to
// follow operands. Nearly all code is made of these, so they are read apart from the rest.
import { op, opcodeInfo } from './opcodes.ts';

/** How the immediates of a simple instruction are passed over. */
export const SimpleForm = {
  notSimple: 0,
  none: 1,
  /** The index of a local. */
  local: 2,
  number: 3,
  twoNumbers: 4,
  bytes4: 5,
  bytes8: 6,
} as const;

const formOfImmediate: Readonly<Record<string, number>> = {
  none: SimpleForm.none,
  i32: SimpleForm.number,
  i64: SimpleForm.number,
  f32: SimpleForm.bytes4,
  f64: SimpleForm.bytes8,
  memarg: SimpleForm.twoNumbers,
};

const byteCount = 256;
export const simpleForms: Uint8Array = new Uint8Array(byteCount);
/** How many operands a simple instruction takes and gives. */
export const simpleTakes: Uint8Array = new Uint8Array(byteCount);
export const simpleGives: Uint8Array = new Uint8Array(byteCount);

for (let code = 0; code < byteCount; code++) {
  const info = opcodeInfo(code);
  if (info === undefined) continue;
  const isLocal = code >= op.localGet && code <= op.localTee;
  // Control has neither operands nor results in the table.
  if (info.takes + info.gives === '') continue;
  simpleForms[code] = isLocal ? SimpleForm.local : (formOfImmediate[info.immediate] ?? SimpleForm.notSimple);
  simpleTakes[code] = info.takes.length;
  simpleGives[code] = info.gives.length;
}

/** Where the immediates end that begin at `at`, in validated code. */
export function skipImmediates(bytes: Uint8Array, at: number, form: number): number {
  if (form === SimpleForm.bytes8) return at + 8;
  if (form === SimpleForm.bytes4) return at + 4;
  while (bytes[at]! >= 0x80) at++;
  at++;
  if (form === SimpleForm.number) return at;
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
}
