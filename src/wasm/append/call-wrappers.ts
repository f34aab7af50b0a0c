// Appended functions around the calls that cross the border: out to the host, and in through the module's exports.
import { Status } from '../../abi/guest-exports.ts';
import {
  chargedLengthMax,
  fuelPerByte,
  type HostFunction,
  hostFunctions,
  hostKill,
} from '../../abi/host-functions.ts';
import { type ByteSource, ByteWriter } from '../binary/byte-writer.ts';
import { ownImportCost } from '../binary/cost-table.ts';
import { op } from '../binary/opcodes.ts';
import { type FunctionType, valueType } from '../binary/types.ts';
import { typeOfFunction } from '../parse/parsed-module.ts';
import { type Additions, emitKill } from './additions.ts';
import { emitCharge } from './bulk-functions.ts';
import { emitCanonical } from './canonical-nan.ts';
import { shape } from './nan-opcodes.ts';

/** The function to use where the module names `index`: the charging wrapper of an import, else itself. */
export function callTarget(additions: Additions, index: number): number {
  return index < additions.module.imports.length ? hostTarget(additions, index) : index;
}

function hostTarget(additions: Additions, index: number): number {
  return additions.once(`host ${index}`, () => {
    const { host } = additions.module.imports[index]!;
    return host === undefined
      ? addOwnWrapper(additions, index)
      : addHostWrapper(additions, index, hostFunctions[host]);
  });
}

/** A function that is none of the engine's: it may not answer a NaN of its own, and costs the same whatever it does. */
function addOwnWrapper(additions: Additions, index: number): number {
  const type = typeOfFunction(additions.module, index)!;
  const { params, results } = type;
  const cost = params.length;
  const code = new ByteWriter(96)
    .u32(1 + results.length)
    .u32(1)
    .u8(valueType.i64);
  for (const result of results) code.u32(1).u8(result);
  code.i64Const(ownImportCost);
  emitCharge(code, additions, cost);
  for (let parameter = 0; parameter < params.length; parameter++) code.localGet(parameter);
  code.call(index);
  for (let result = results.length; result > 0; result--) code.localSet(cost + result);
  for (const [result, resultType] of results.entries()) {
    code.localGet(cost + 1 + result);
    emitFromOutside(code, additions, resultType, cost + 1 + result);
  }
  return additions.addFunction(type, code.end());
}

/** A float from JavaScript has whatever bits the processor gave it: a NaN on the stack, also in `local`, comes in canonical. */
function emitFromOutside(code: ByteWriter, additions: Additions, type: number, local: number): void {
  if (!additions.protections.nan) return;
  if (type === valueType.f32) emitCanonical(code, shape.f32, local);
  if (type === valueType.f64) emitCanonical(code, shape.f64, local);
}

function addHostWrapper(additions: Additions, index: number, host: HostFunction): number {
  const [cost, answer] = [host.parameters, host.parameters + 1];
  const code = new ByteWriter(96).locals('i64', 'i32');
  code.i64Const(host.fuel);
  for (const length of host.lengths) {
    code.localGet(length).u8(op.i64ExtendI32U).i64Const(fuelPerByte).u8(op.i64Mul).i64Const(0);
    code.localGet(length).i32Const(chargedLengthMax).u8(op.i32LeU).u8(op.select, op.i64Add);
  }
  emitCharge(code, additions, cost);
  for (let parameter = 0; parameter < host.parameters; parameter++) code.localGet(parameter);
  code.call(index).localTee(answer).i32Const(hostKill).u8(op.i32Eq).if();
  emitKill(code, additions, Status.hostRefused);
  code.end().localGet(answer).end();
  return additions.addFunction(typeOfFunction(additions.module, index)!, code);
}

/**
 * What the module exports instead of a function: callers inside set the stack that is left before each call and never
 * clean up, so whoever comes from outside puts it back.
 */
export function exportTarget(additions: Additions, index: number): number {
  return additions.once(`export ${index}`, () => {
    const type = typeOfFunction(additions.module, index)!;
    const saved = type.params.length;
    const code = new ByteWriter(32).u32(1).u32(1).u8(valueType.i32);
    code.globalGet(additions.stackLeft).localSet(saved);
    for (const [parameter, param] of type.params.entries()) {
      code.localGet(parameter);
      emitFromOutside(code, additions, param, parameter);
    }
    code.call(callTarget(additions, index));
    code.localGet(saved).globalSet(additions.stackLeft).end();
    return additions.addFunction(type, code);
  });
}

/**
 * The code in front of a function of a large frame, which takes its index: checks and charges the stack, then leaves
 * its own frame for the function's, appended as `body`.
 */
export function stackGuard(
  additions: Additions,
  type: FunctionType,
  body: ByteSource,
  frameBytes: number,
): ByteWriter {
  const target = additions.addFunction(type, body);
  const left = type.params.length;
  const code = new ByteWriter(32).locals('i32');
  code.globalGet(additions.stackLeft).i32Const(frameBytes).u8(op.i32Sub).localTee(left);
  code.i32Const(0).u8(op.i32LtS).if();
  emitKill(code, additions, Status.stackExhausted);
  code.end().localGet(left).globalSet(additions.stackLeft);
  for (let parameter = 0; parameter < type.params.length; parameter++) code.localGet(parameter);
  return code.u8(op.returnCall).u32(target).end();
}
