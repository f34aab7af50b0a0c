// Which instructions are simple: one byte of opcode, at most two immediates, and nothing to do but to follow operands.
// Nearly all code is made of these, so they are read apart from the rest, and what is to be known of each is one word.

import { hasNoFloat } from '../append/nan-opcodes.ts';
import { instructionCost } from '../binary/cost-table.ts';
import { isPure, op, opcodeInfo } from '../binary/opcodes.ts';

/** What immediates a simple instruction has; up to `local` it is one index that counts. */
export const SimpleForm = {
  global: 1,
  local: 2,
  none: 3,
  number: 4,
  twoNumbers: 5,
  bytes4: 6,
  bytes8: 7,
} as const;

/** The parts of an instruction's word. */
export const Simple = {
  form: 0x07,
  takesShift: 3,
  takesMask: 0x03,
  gives: 0x20,
  pure: 0x40,
  /** Whether it may take or give a float. */
  floats: 0x80,
  costShift: 8,
  costMask: 0xff,
} as const;

const formOfImmediate: Readonly<Record<string, number>> = {
  none: SimpleForm.none,
  i32: SimpleForm.number,
  i64: SimpleForm.number,
  f32: SimpleForm.bytes4,
  f64: SimpleForm.bytes8,
  memarg: SimpleForm.twoNumbers,
};

/** One word for each first byte; 0 where the instruction is not simple. */
export const simpleFacts: Uint16Array = Uint16Array.from({ length: 256 }, (_, code) => factsOf(code));

function factsOf(code: number): number {
  const info = opcodeInfo(code);
  // Control has neither operands nor results in the table.
  if (info === undefined || info.takes + info.gives === '') return 0;
  const form = formOf(code, info.immediate);
  if (form === 0) return 0;
  const floats = hasNoFloat(code) || code === op.globalGet ? 0 : Simple.floats;
  const flags = (info.gives === '' ? 0 : Simple.gives) | (isPure(code) ? Simple.pure : 0) | floats;
  return (
    form | (info.takes.length << Simple.takesShift) | flags | (instructionCost(code) << Simple.costShift)
  );
}

function formOf(code: number, immediate: string): number {
  if (code >= op.localGet && code <= op.localTee) return SimpleForm.local;
  if (code === op.globalGet || code === op.globalSet) return SimpleForm.global;
  return formOfImmediate[immediate] ?? 0;
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
