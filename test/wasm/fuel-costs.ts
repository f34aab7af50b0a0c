// The documented cost table of docs/DETERMINISM.md, written down a second time for the tests. Must not import the
// pass's.

/** The version of the table that these numbers are of. */
export const documentedVersion = 1;

const listed = new Map<number, number>();

function cost(fuel: number, ...codes: readonly number[]): void {
  for (const code of codes) listed.set(code, fuel);
}

/** unreachable nop block loop else end drop */
cost(0, 0x00, 0x01, 0x02, 0x03, 0x05, 0x0b, 0x1a);
/** call return_call memory.grow, float division and square root */
cost(4, 0x10, 0x12, 0x40, 0x91, 0x95, 0x9f, 0xa3, 0xfde3, 0xfde7, 0xfdef, 0xfdf3);
/** bulk operations on memory, tables and segments */
cost(4, 0xfc08, 0xfc09, 0xfc0a, 0xfc0b, 0xfc0c, 0xfc0d, 0xfc0e, 0xfc0f, 0xfc10, 0xfc11);
/** integer division and remainder */
cost(6, 0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82);
/** br_table call_indirect return_call_indirect */
cost(8, 0x0e, 0x11, 0x13);

export function instructionFuel(code: number): number {
  return listed.get(code) ?? 1;
}

export function entryFuel(localCount: number): number {
  return 1 + Math.ceil(Math.max(0, localCount - 8) / 4);
}

/** Fuel of so many bytes or elements, on top of the instruction's own. */
export const bytesFuel = (bytes: number): number => Math.ceil(bytes / 8);
export const elementsFuel = (elements: number): number => elements;
export const memoryGrowFuel = (pages: number): number => 100_000 + 100 * pages;
export const tableGrowFuel = (elements: number): number => 1000 + elements;

/** `loop if else end br br_if br_table return unreachable`, calls of all kinds. */
const blockEnds = new Set([0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x00, 0x10, 0x11, 0x12, 0x13]);
/** What is charged by length ends a block as a call does. */
const charged = new Set([0x40, 0xfc08, 0xfc0a, 0xfc0b, 0xfc0c, 0xfc0e, 0xfc0f, 0xfc11]);

export function endsBlock(code: number): boolean {
  return blockEnds.has(code) || charged.has(code);
}

/** After these nothing is reached until the arm ends: unreachable br br_table return, tail calls. */
const stops = new Set([0x00, 0x0c, 0x0e, 0x0f, 0x12, 0x13]);

export function stopsCode(code: number): boolean {
  return stops.has(code);
}
