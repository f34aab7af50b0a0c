// Appended exports through which the host keeps tables and dropped segments, where the code changes them. A reference
// has no bits to read: the host tells it by comparing it with a table of all functions that one may point at.
import { stateExport } from '../../abi/guest-exports.ts';
import { ByteWriter } from '../binary/byte-writer.ts';
import { bulk, op, prefixBulk } from '../binary/opcodes.ts';
import { refusal } from '../binary/refusal.ts';
import { emitArms } from './accessors.ts';
import { type Additions, functionType } from './additions.ts';
import { callTarget } from './call-wrappers.ts';

/** Each takes an arm in the accessors. */
const droppedSegmentsMax = 4096;

/** Appends the table of references, and exports it and every table that code changes; nothing where none is. */
export function addTableAccess(additions: Additions): void {
  const { module, changedTables } = additions;
  if (changedTables.size === 0) return;
  additions.references = referencedFunctions(additions);
  additions.addExport(stateExport.references, module.tables.length, 'table');
  const changed = [...changedTables].sort((a, b) => a - b);
  for (const [position, table] of changed.entries()) {
    additions.addExport(`${stateExport.table}${position}`, table, 'table');
  }
}

/** The functions of all segments, constant globals and code that takes references, each once, in that order. */
function referencedFunctions(additions: Additions): number[] {
  const { module, referenced } = additions;
  const found = new Set<number>();
  for (const { items } of module.elements) {
    for (const item of items) if (item >= 0) found.add(callTarget(additions, item));
  }
  for (const { init } of module.globals) {
    if (init.functionIndex >= 0) found.add(callTarget(additions, init.functionIndex));
  }
  for (const index of referenced) found.add(index);
  return [...found];
}

/** Appends the accessors of the segments that code drops; nothing where there is none. */
export function addSegmentAccess(additions: Additions): void {
  const segments = [...additions.droppedSegments.values()];
  if (segments.length === 0) return;
  if (segments.length > droppedSegmentsMax) {
    const what = `its code drops ${segments.length} segments, at most ${droppedSegmentsMax} are taken`;
    throw refusal(additions.module.name, what);
  }
  const count = new ByteWriter(16).locals().i32Const(segments.length).end();
  const dropped = new ByteWriter().locals();
  emitArms(dropped, segments, ({ size }) => dropped.globalGet(size).u8(op.i32Eqz));
  const drop = new ByteWriter().locals();
  emitArms(drop, segments, ({ kind, index, size }) => {
    drop.u8(prefixBulk, kind === 'data' ? bulk.dataDrop : bulk.elemDrop).u32(index);
    drop.i32Const(0).globalSet(size);
  });
  const add = (name: string, params: string, results: string, code: ByteWriter) =>
    additions.addExport(name, additions.addFunction(functionType(params, results), code));
  add(stateExport.segmentCount, '', 'i32', count);
  add(stateExport.segmentDropped, 'i32', 'i32', dropped);
  add(stateExport.segmentDrop, 'i32', '', drop);
}
