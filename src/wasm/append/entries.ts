// The ways in that the engine itself uses: fuel in, a task, and what is left, in one crossing of the border.
import { engineExport } from '../../abi/guest-exports.ts';
import { ByteWriter } from '../binary/byte-writer.ts';
import { op } from '../binary/opcodes.ts';
import { valueType } from '../binary/types.ts';
import { type Additions, functionType } from './additions.ts';
import { exportTarget } from './call-wrappers.ts';

/** Appends `receive` and `step` to an agent: most tasks then cross the border once, where each crossing costs. */
export function addEntries(additions: Additions): void {
  for (const [name, guestName] of [
    [engineExport.receive, 'agent_receive'],
    [engineExport.step, 'agent_step'],
  ] as const) {
    const { index } = additions.module.exports.find((item) => item.name === guestName)!;
    const code = new ByteWriter(48).locals('i32');
    code.localGet(1).u8(0xfc, 0x06).globalSet(additions.fuel);
    code.localGet(0).call(exportTarget(additions, index)).localTee(2).if(valueType.i64);
    code.localGet(2).u8(op.i64ExtendI32U).i64Const(-1).u8(op.i64Xor).u8(op.else);
    code
      .i64Const(-1)
      .globalGet(additions.fuel)
      .globalGet(additions.fuel)
      .i64Const(0)
      .u8(op.i64LtS, op.select);
    code.end().u8(op.f64ConvertI64S).end();
    additions.addExport(name, additions.addFunction(functionType('i32 f64', 'f64'), code));
  }
}
