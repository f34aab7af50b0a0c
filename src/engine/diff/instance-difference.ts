// What two instances of one agent hold that differs: pages of memory, globals, random stream, tables.

import { bytesEqual } from '../../base/encoding.ts';
import { hexRows } from '../../base/hex-view.ts';
import { expandImage, readState, type StateFacts } from '../../sandbox/index.ts';
import { describeGlobals } from '../inspect/agent-state.ts';
import type { AgentImage } from '../turns/turn-runner.ts';
import type { Side } from './side.ts';

export interface GlobalDifference {
  readonly index: number;
  /** As the module names it, where it does. */
  readonly name: string | undefined;
  readonly a: string;
  readonly b: string;
}

export interface MemoryDifference {
  /** Sizes in bytes. */
  readonly bytesA: number;
  readonly bytesB: number;
  /** Pages of 64 KiB that differ; the view is of the first. */
  readonly pages: number;
  readonly page: number;
  /** The first byte that differs. */
  readonly address: number;
  /** Rows of 16 bytes around it. */
  readonly a: readonly string[];
  readonly b: readonly string[];
}

/** What is absent does not differ. */
export interface InstanceDifference {
  readonly memory?: MemoryDifference;
  readonly globals?: readonly GlobalDifference[];
  /** `random`, `inbox`, `counters`, `tables`, or `instance` where only one side has one. */
  readonly other?: readonly string[];
}

const pageBytes = 65_536;
const rowBytes = 16;
/** Rows shown before and behind the first one that differs. */
const rowsAround = 2;

/**
 * Undefined where nothing differs that should not: instances of two modules lie differently in memory, and random
 * streams of two seeds are different by themselves. Both machines stand still meanwhile.
 */
export async function instanceDifference(
  a: Side,
  b: Side,
  number: number,
): Promise<InstanceDifference | undefined> {
  const [imageA, imageB] = [await imageOf(a, number), await imageOf(b, number)];
  if (imageA === undefined && imageB === undefined) return undefined;
  if (imageA === undefined || imageB === undefined) return { other: ['instance'] };
  if (a.moduleOf(number).hash !== b.moduleOf(number).hash) return undefined;
  const memory = memoryDifference(expandImage(imageA.image), expandImage(imageB.image));
  const { globals, other } = stateDifference(a, b, imageA, imageB);
  if (memory === undefined && globals.length === 0 && other.length === 0) return undefined;
  return {
    ...(memory !== undefined && { memory }),
    ...(globals.length > 0 && { globals }),
    ...(other.length > 0 && { other }),
  };
}

function imageOf({ machine }: Side, number: number): Promise<AgentImage | undefined> {
  const agent = machine.state.agents[number];
  return agent === undefined ? Promise.resolve(undefined) : machine.captureAgent(agent);
}

function memoryDifference(a: Uint8Array, b: Uint8Array): MemoryDifference | undefined {
  if (bytesEqual(a, b)) return undefined;
  const size = Math.min(a.length, b.length);
  const differing: number[] = [];
  for (let start = 0; start < Math.max(a.length, b.length); start += pageBytes) {
    if (!bytesEqual(a.subarray(start, start + pageBytes), b.subarray(start, start + pageBytes)))
      differing.push(start / pageBytes);
  }
  const page = differing[0]!;
  let address = page * pageBytes;
  while (address < size && a[address] === b[address]) address++;
  const first = Math.max(page * pageBytes, (Math.floor(address / rowBytes) - rowsAround) * rowBytes);
  const end = Math.min((page + 1) * pageBytes, (Math.floor(address / rowBytes) + rowsAround + 1) * rowBytes);
  return {
    bytesA: a.length,
    bytesB: b.length,
    pages: differing.length,
    page,
    address,
    a: hexRows(a.subarray(first, end), first),
    b: hexRows(b.subarray(first, end), first),
  };
}

function stateDifference(
  a: Side,
  b: Side,
  imageA: AgentImage,
  imageB: AgentImage,
): { readonly globals: GlobalDifference[]; readonly other: string[] } {
  const { number } = imageA;
  const [factsA, factsB] = [factsOf(a, imageA), factsOf(b, imageB)];
  const shown = (side: Side, facts: StateFacts): ReturnType<typeof describeGlobals> =>
    describeGlobals(side.moduleOf(number).globals, facts.globals, side.moduleBytes(number));
  const [globalsA, globalsB] = [shown(a, factsA), shown(b, factsB)];
  const globals: GlobalDifference[] = [];
  for (let i = 0; i < Math.max(globalsA.length, globalsB.length); i++) {
    const [globalA, globalB] = [globalsA[i], globalsB[i]];
    const value = (side: typeof globalA): string =>
      side === undefined ? 'none' : `${side.type} ${side.value}`;
    if (value(globalA) === value(globalB) && globalA?.name === globalB?.name) continue;
    const { index, name } = (globalA ?? globalB)!;
    globals.push({ index, name, a: value(globalA), b: value(globalB) });
  }
  const other: string[] = [];
  if (a.seed === b.seed && !sameWords(factsA.prng, factsB.prng)) other.push('random');
  if (factsA.inboxPointer !== factsB.inboxPointer || factsA.inboxBytes !== factsB.inboxBytes)
    other.push('inbox');
  const counters = ['nextTimer', 'nextChild', 'nextRequest'] as const;
  if (counters.some((name) => factsA[name] !== factsB[name])) other.push('counters');
  if (!sameWords(factsA.rest, factsB.rest)) other.push('tables');
  return { globals, other };
}

function factsOf(side: Side, { number, state }: AgentImage): StateFacts {
  return readState(
    side.moduleOf(number).globals.map(({ words }) => words),
    state,
  );
}

export function sameWords(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}
