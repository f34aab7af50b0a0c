// What a thrown error from a guest means. V8's messages differ between versions: all that exist are listed here.

import type { FaultKind } from '../abi/fault.ts';
import { Status } from '../abi/guest-exports.ts';
import { EngineError } from '../base/errors.ts';

const faultByMessage: ReadonlyMap<string, FaultKind> = new Map<string, FaultKind>([
  ['unreachable', 'unreachable'],
  ['memory access out of bounds', 'memory-out-of-bounds'],
  ['table index is out of bounds', 'table-out-of-bounds'],
  ['table access out of bounds', 'table-out-of-bounds'],
  ['table out of bounds', 'table-out-of-bounds'],
  ['table initializer is out of bounds', 'table-out-of-bounds'],
  ['element segment out of bounds', 'table-out-of-bounds'],
  ['data segment out of bounds', 'memory-out-of-bounds'],
  ['null function or function signature mismatch', 'indirect-call-mismatch'],
  ['function signature mismatch', 'indirect-call-mismatch'],
  ['dereferencing a null pointer', 'indirect-call-mismatch'],
  ['divide by zero', 'divide-by-zero'],
  ['remainder by zero', 'divide-by-zero'],
  ['divide result unrepresentable', 'integer-overflow'],
  ['float unrepresentable in integer range', 'integer-overflow'],
]);

const faultByStatus: ReadonlyMap<number, FaultKind> = new Map<number, FaultKind>([
  [Status.outOfFuel, 'out-of-fuel'],
  [Status.stackExhausted, 'stack-exhausted'],
  [Status.hostRefused, 'host-call-not-allowed'],
]);

/** The stack of an error as V8 writes it; empty where the program around the engine has made something else of stacks. */
export function stackOf(error: Error): string {
  try {
    const stack: unknown = error.stack;
    return typeof stack === 'string' ? stack : '';
  } catch {
    return '';
  }
}

/**
 * The fault of an agent whose entry point threw.
 * @param status what the instrumented module says of it
 * @throws EngineError `host-fault` where the host failed, or V8 says something that no version was known to say
 */
export function classifyTrap(error: unknown, status: number, agent: string): FaultKind {
  const known = faultByStatus.get(status);
  if (known !== undefined) return known;
  if (status === Status.growthFailed) {
    throw new EngineError(
      'host-fault',
      `Cannot grow the memory of agent "${agent}": the host has none left, below the agent's limit`,
      { agent },
      error,
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  const kind = error instanceof WebAssembly.RuntimeError ? faultByMessage.get(message) : undefined;
  if (kind !== undefined) return kind;
  if (error instanceof EngineError) throw error;
  throw new EngineError(
    'host-fault',
    `Cannot tell why agent "${agent}" stopped: V8 says "${message}", which no supported version was known to say`,
    { agent },
    error,
  );
}
