// What everything costs in fuel. Numbers and flush points are part of every record: any change needs a new version.
import { bulkBase, op, opcodeEnd, opcodeInfo, simdBase } from './opcodes.ts';

/**
 * The version of this table, of the places where fuel is charged and flushed, and of what frames are reckoned to take:
 * of all that decides where a call is stopped.
 */
export const costTableVersion = 1;

/** Entry of a function; the first few locals are included. */
const entryCost = 1;
const localsIncluded = 8;
const localsPerFuel = 4;

/** Entering a function, which sets its locals to zero. */
export function functionEntryCost(localCount: number): number {
  return entryCost + Math.ceil(Math.max(0, localCount - localsIncluded) / localsPerFuel);
}

/** A call of a function that the engine does not have, besides the call itself. What it does is not metered. */
export const ownImportCost = 100;

/** Every iteration of a loop costs at least this, so that an empty one ends too. */
export const loopIterationCostMin = 1;

/** Bytes that one unit of fuel fills, copies or initialises: the cost of n bytes is ceil(n / 8). */
export const bulkBytesPerFuelLog2 = 3;

/** Growth costs the host far more than the guest sees: a flat charge and one per page. */
export const memoryGrowCost = 100_000;
export const memoryGrowCostPerPage = 100;
/** A flat charge, and one unit for each element. */
export const tableGrowCost = 1000;

const plainCost = 1;
const costs = new Uint8Array(opcodeEnd);
for (let code = 0; code < opcodeEnd; code++) if (opcodeInfo(code) !== undefined) costs[code] = plainCost;

function set(cost: number, ...codes: readonly number[]): void {
  for (const code of codes) costs[code] = cost;
}

set(0, op.unreachable, op.nop, op.block, op.loop, op.else, op.end, op.drop);
set(4, op.call, op.returnCall);
set(8, op.callIndirect, op.returnCallIndirect, op.brTable);
/** Integer division and remainder. */
set(6, 0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82);
/** Floating division and square root, and their vector forms. */
set(4, 0x91, 0x95, 0x9f, 0xa3, simdBase + 227, simdBase + 231, simdBase + 239, simdBase + 243);
/** Bulk operations: what the call of a helper costs, the length comes on top. */
for (let code = bulkBase + 8; code <= bulkBase + 17; code++) set(4, code);
set(4, op.memoryGrow);

/** Fuel of one instruction of an accepted opcode. */
export function instructionCost(code: number): number {
  return costs[code] ?? 0;
}
