// A process that measures instructions: it prints one line of JSON each, the least time of many rounds in nanoseconds a
// step. What tier of V8 it is about is told by the flags it is started with.

import { assemble } from '../../../src/wasm/test-module.ts';
import { moduleText, type Operation, operandsAt, operations, stepsOf } from './operations.ts';

export interface MeasuredOperation {
  readonly name: string;
  readonly chainNs: number;
  readonly wideNs: number;
}

const rounds = 2000;
const samples = 40;

function writeOperands(memory: DataView, { type, x, start }: Operation): void {
  for (const [at, value] of [
    [operandsAt.x, x],
    [operandsAt.start, start],
  ] as const) {
    if (type === 'i32') memory.setInt32(at, value, true);
    else if (type === 'i64') memory.setBigInt64(at, BigInt(value), true);
    else if (type === 'f64') memory.setFloat64(at, value, true);
    else for (let lane = 0; lane < 4; lane++) memory.setFloat32(at + 4 * lane, value, true);
  }
}

/** V8 counts calls and rounds before it optimises: the first samples are no part of the least. */
function leastNs(run: (rounds: number) => void, steps: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < samples; sample++) {
    const startedMs = performance.now();
    run(rounds);
    least = Math.min(least, performance.now() - startedMs);
  }
  return (least * 1e6) / (rounds * steps);
}

for (const operation of operations) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble(moduleText(operation))));
  const { memory, chain, wide } = exports as unknown as {
    memory: WebAssembly.Memory;
    chain: (rounds: number) => void;
    wide: (rounds: number) => void;
  };
  writeOperands(new DataView(memory.buffer), operation);
  const steps = stepsOf(operation);
  const measured = { name: operation.name, chainNs: leastNs(chain, steps), wideNs: leastNs(wide, steps) };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}
