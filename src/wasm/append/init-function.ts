// The appended `init`: applies what were active segments, in order, and runs the start function, all of it metered.
// It must run once in an agent's life: any other instantiation applies nothing.
import { engineExport } from '../../abi/guest-exports.ts';
import { ByteWriter } from '../binary/byte-writer.ts';
import { bulkBytesPerFuelLog2 } from '../binary/cost-table.ts';
import { bulk, op, prefixBulk } from '../binary/opcodes.ts';
import { type Additions, functionType } from './additions.ts';
import { emitCharge, emitMemoryBytes, emitTableSize } from './bulk-functions.ts';
import { callTarget } from './call-wrappers.ts';

export function addInit(additions: Additions): void {
  const { module } = additions;
  const saved = 0;
  const code = new ByteWriter(128).locals('i32');
  for (const [index, { mode, table, offset, items }] of module.elements.entries()) {
    if (mode !== 'active') continue;
    emitChargeWithin(code, additions, offset + items.length, items.length, () => emitTableSize(code, table));
    code.i32Const(offset).i32Const(0).i32Const(items.length);
    code.u8(prefixBulk, bulk.tableInit).u32(index).u32(table);
    code.u8(prefixBulk, bulk.elemDrop).u32(index);
  }
  for (const [index, { mode, offset, bytes }] of module.data.entries()) {
    if (mode !== 'active') continue;
    const cost = Math.ceil(bytes.length / 2 ** bulkBytesPerFuelLog2);
    emitChargeWithin(code, additions, offset + bytes.length, cost, () => emitMemoryBytes(code));
    code.i32Const(offset).i32Const(0).i32Const(bytes.length);
    code.u8(prefixBulk, bulk.memoryInit).u32(index).u8(0);
    code.u8(prefixBulk, bulk.dataDrop).u32(index);
  }
  if (module.start !== undefined) {
    code.globalGet(additions.stackLeft).localSet(saved);
    code.call(callTarget(additions, module.start));
    code.localGet(saved).globalSet(additions.stackLeft);
  }
  code.end();
  additions.addExport(engineExport.init, additions.addFunction(functionType('', ''), code));
}

/** The appended `restore`: tables as `init` leaves them, and its segments dropped; nothing is charged. */
export function addRestore(additions: Additions): void {
  const { module } = additions;
  const code = new ByteWriter(64).locals();
  for (const [index, { mode, table, offset, items }] of module.elements.entries()) {
    if (mode !== 'active') continue;
    code.i32Const(offset).i32Const(0).i32Const(items.length);
    code.u8(prefixBulk, bulk.tableInit).u32(index).u32(table);
    code.u8(prefixBulk, bulk.elemDrop).u32(index);
  }
  for (const [index, { mode }] of module.data.entries()) {
    if (mode === 'active') code.u8(prefixBulk, bulk.dataDrop).u32(index);
  }
  code.end();
  additions.addExport(engineExport.restore, additions.addFunction(functionType('', ''), code));
}

/** Charges `cost` where `end` lies within the size; what does not traps uncharged in the operation that follows. */
function emitChargeWithin(
  code: ByteWriter,
  additions: Additions,
  end: number,
  cost: number,
  emitSize: () => void,
): void {
  emitSize();
  code.i64Const(end).u8(op.i64GeU).if().i64Const(cost).call(chargeFunction(additions)).end();
}

/** Charges its parameter: a function of its own, since there may be very many segments. */
function chargeFunction(additions: Additions): number {
  return additions.once('charge', () => {
    const code = new ByteWriter(32).locals('i64').localGet(0);
    emitCharge(code, additions, 1);
    return additions.addFunction(functionType('i64', ''), code.end());
  });
}
