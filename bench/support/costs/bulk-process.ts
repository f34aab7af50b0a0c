// A process that measures operations by length: one line of JSON for each length, nanoseconds of one operation.

import { assemble } from '../../../src/wasm/test-module.ts';

export interface MeasuredBulk {
  readonly bytes: number;
  readonly fillNs: number;
  readonly copyNs: number;
}

const bytesEach = [0, 8, 64, 1024, 16_384, 262_144] as const;
const pages = 16;
const samples = 30;

const operation = (name: string, call: string): string =>
  `(func (export "${name}") (param $n i32) (param $bytes i32)
    (loop $l (${call} (local.get $bytes)) (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))`;
const text = `(module (memory ${pages})
  ${operation('fill', 'memory.fill (i32.const 64) (i32.const 7)')}
  ${operation('copy', 'memory.copy (i32.const 64) (i32.const 500000)')})`;

const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble(text)));
const { fill, copy } = exports as unknown as Record<string, (rounds: number, bytes: number) => void>;

function leastNs(run: (rounds: number, bytes: number) => void, bytes: number): number {
  const rounds = Math.max(20, Math.min(2000, Math.floor(2e7 / (bytes + 1000))));
  let least = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < samples; sample++) {
    const startedMs = performance.now();
    run(rounds, bytes);
    least = Math.min(least, performance.now() - startedMs);
  }
  return (least * 1e6) / rounds;
}

for (const bytes of bytesEach) {
  const measured: MeasuredBulk = { bytes, fillNs: leastNs(fill!, bytes), copyNs: leastNs(copy!, bytes) };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}
