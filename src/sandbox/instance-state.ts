// The state of an instance beside its memory, as words: what restores it in another worker, or after hibernation.
// Words: random state (4), inbox pointer, inbox bytes, next timer, next child, next request, number of pending timers,
// those timers, the words of the mutable globals, then dropped segments and tables, where the code changes them.

import { engineExport, stateExport } from '../abi/guest-exports.ts';
import type { Instance } from './instance.ts';
import { captureTables, restoreTables } from './table-state.ts';

const fixedWords = 10;
const timerCountAt = 9;

/** How many words each mutable global of a module has, in order. */
export type GlobalWords = readonly number[];

type Accessor = (...values: number[]) => number;

function accessor(instance: Instance, name: string): Accessor | undefined {
  return (instance.guest as unknown as Record<string, Accessor | undefined>)[name];
}

export function captureState(instance: Instance, globals: GlobalWords): Uint32Array {
  const timers = [...instance.pendingTimers];
  const changed = [...captureSegments(instance), ...captureTables(instance.guest)];
  const globalWords = globals.reduce((sum, count) => sum + count, 0);
  const state = new Uint32Array(fixedWords + timers.length + globalWords + changed.length);
  state.set(instance.prng);
  const { inboxPointer, inboxBytes, nextTimer, nextChild, nextRequest } = instance;
  state.set([inboxPointer, inboxBytes, nextTimer, nextChild, nextRequest, timers.length, ...timers], 4);
  const get = accessor(instance, engineExport.globalGet)!;
  let at = fixedWords + timers.length;
  globals.forEach((count, index) => {
    for (let word = 0; word < count; word++) state[at++] = get(index, word);
  });
  state.set(changed, at);
  return state;
}

/** What a new incarnation begins with: another random stream, numbers that go on, and no timers. */
export function renewState(
  state: Uint32Array,
  prng: Uint32Array,
  nextTimer: number,
  nextChild: number,
  nextRequest: number,
): Uint32Array {
  const rest = state.subarray(fixedWords + state[timerCountAt]!);
  const renewed = new Uint32Array(fixedWords + rest.length);
  renewed.set(prng);
  renewed.set([state[4]!, state[5]!, nextTimer, nextChild, nextRequest, 0], 4);
  renewed.set(rest, fixedWords);
  return renewed;
}

/** Puts a captured state into a new instance of the same module, whose memory holds what it held. */
export function restoreState(instance: Instance, globals: GlobalWords, state: Uint32Array): void {
  accessor(instance, engineExport.restore)!();
  instance.prng.set(state.subarray(0, 4));
  instance.inboxPointer = state[4]!;
  instance.inboxBytes = state[5]!;
  instance.nextTimer = state[6]!;
  instance.nextChild = state[7]!;
  instance.nextRequest = state[8]!;
  const timerCount = state[timerCountAt]!;
  for (let i = 0; i < timerCount; i++) instance.pendingTimers.add(state[fixedWords + i]!);
  const set = accessor(instance, engineExport.globalSet)!;
  let at = fixedWords + timerCount;
  globals.forEach((count, index) => {
    for (let word = 0; word < count; word++) set(index, word, state[at++]!);
  });
  at = restoreSegments(instance, state, at);
  restoreTables(instance.guest, state, at);
}

/** A captured state, taken apart for people. */
export interface StateFacts {
  /** Four words. */
  readonly prng: Uint32Array;
  readonly inboxPointer: number;
  readonly inboxBytes: number;
  readonly nextTimer: number;
  readonly nextChild: number;
  readonly nextRequest: number;
  /** Words of each mutable global, in order. */
  readonly globals: readonly Uint32Array[];
  /** Dropped segments and tables, where the code changes them. */
  readonly rest: Uint32Array;
}

export function readState(globals: GlobalWords, state: Uint32Array): StateFacts {
  const [inboxPointer, inboxBytes, nextTimer, nextChild, nextRequest, timerCount] = state.subarray(
    4,
    fixedWords,
  );
  let at = fixedWords + timerCount!;
  const values = globals.map((count) => state.slice(at, (at += count)));
  return {
    prng: state.slice(0, 4),
    inboxPointer: inboxPointer!,
    inboxBytes: inboxBytes!,
    nextTimer: nextTimer!,
    nextChild: nextChild!,
    nextRequest: nextRequest!,
    globals: values,
    rest: state.slice(at),
  };
}

/** One word a segment that the code may drop: 1 where it has. */
function captureSegments(instance: Instance): number[] {
  const count = accessor(instance, stateExport.segmentCount)?.() ?? 0;
  const dropped = accessor(instance, stateExport.segmentDropped);
  return Array.from({ length: count }, (_, position) => dropped!(position));
}

/** Returns where the words of the segments end. */
function restoreSegments(instance: Instance, state: Uint32Array, at: number): number {
  const count = accessor(instance, stateExport.segmentCount)?.() ?? 0;
  const drop = accessor(instance, stateExport.segmentDrop);
  for (let position = 0; position < count; position++) {
    if (state[at + position] === 1) drop!(position);
  }
  return at + count;
}
