// The tables that a guest changes, as words: for each its size and its runs of references. A reference is its place in
// the module's own table of references, counted from 1, so the words mean the same in every instance; 0 is null.

import { stateExport } from '../abi/guest-exports.ts';
import { assert } from '../base/errors.ts';

type Exports = Readonly<Record<string, unknown>>;

interface TableAccess {
  readonly references: WebAssembly.Table;
  readonly tables: readonly WebAssembly.Table[];
}

function tableAccess(guest: object): TableAccess | undefined {
  const exports = guest as Exports;
  const references = exports[stateExport.references] as WebAssembly.Table | undefined;
  if (references === undefined) return undefined;
  const tables: WebAssembly.Table[] = [];
  for (;;) {
    const table = exports[`${stateExport.table}${tables.length}`] as WebAssembly.Table | undefined;
    if (table === undefined) return { references, tables };
    tables.push(table);
  }
}

/** The words of all tables that the guest may change: none where its code changes none. */
export function captureTables(guest: object): number[] {
  const access = tableAccess(guest);
  if (access === undefined) return [];
  const numbers = new Map<unknown, number>([[null, 0]]);
  const { references, tables } = access;
  for (let index = 0; index < references.length; index++) numbers.set(references.get(index), index + 1);
  const words: number[] = [];
  for (const table of tables) captureTable(table, numbers, words);
  return words;
}

/** Size, then runs: (length x 2 + step, first reference), where the references of a run rise by `step`, 0 or 1. */
function captureTable(table: WebAssembly.Table, numbers: ReadonlyMap<unknown, number>, to: number[]): void {
  const size = table.length;
  to.push(size);
  const referenceAt = (index: number): number => {
    const found = numbers.get(table.get(index));
    assert(found !== undefined, 'every reference in a table is one of the table of references');
    return found;
  };
  let next = size > 0 ? referenceAt(0) : 0;
  for (let index = 0; index < size; ) {
    const first = next;
    let length = 1;
    let step = 0;
    for (; index + length < size; length++) {
      next = referenceAt(index + length);
      if (length === 1 && next === first + 1) step = 1;
      if (next !== first + length * step) break;
    }
    to.push(length * 2 + step, first);
    index += length;
  }
}

/** Puts captured tables into a new instance, in which `restore` ran. `at` is where their words begin. */
export function restoreTables(guest: object, state: Uint32Array, at: number): void {
  const access = tableAccess(guest);
  if (access === undefined) return;
  const { references, tables } = access;
  for (const table of tables) {
    const size = state[at++]!;
    if (size > table.length) table.grow(size - table.length);
    for (let index = 0; index < size; ) {
      const length = state[at]! >>> 1;
      const step = state[at]! & 1;
      const first = state[at + 1]!;
      at += 2;
      for (let i = 0; i < length; i++, index++) {
        const reference = first + i * step;
        table.set(index, reference === 0 ? null : references.get(reference - 1));
      }
    }
  }
}
