// How fast the pass is and how much memory it takes, on a real agent and on large modules made of one.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { median, report, shown } from '../measure.ts';
import type { MeasuredPass } from './pass-process.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const script = join(import.meta.dirname, 'pass-process.ts');
const agent = join(root, 'examples', 'market', 'build', 'exchange.wasm');
/** The most that a module may have is 16 MiB. */
const sizesBytes = [4_000_000, 8_000_000, 16_000_000] as const;
const [rounds, processes] = [8, 3];

function measure(sizeBytes: number): MeasuredPass {
  const runs = Array.from({ length: processes }, () => {
    const args = [script, agent, String(sizeBytes), String(rounds)];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as MeasuredPass;
  });
  const least = (of: (run: MeasuredPass) => number): number => Math.min(...runs.map(of));
  return {
    ...runs[0]!,
    ms: least((run) => run.ms),
    cpuMs: least((run) => run.cpuMs),
    memoryBytes: median(runs.map((run) => run.memoryBytes)),
  };
}

export function printPass(): void {
  console.log(
    '  functions of a real agent, repeated: the least time of all rounds, a fresh process for the memory',
  );
  console.log('      MB  functions      ms  MB/s  MB/s of this thread  output  memory MB  bytes a byte');
  const passes = sizesBytes.map((size) => {
    const { bytes, functions, ms, cpuMs, growth, memoryBytes } = measure(size);
    const columns = [
      (bytes / 1e6).toFixed(1).padStart(8),
      shown(functions).padStart(11),
      ms.toFixed(0).padStart(8),
      (bytes / ms / 1000).toFixed(1).padStart(6),
      (bytes / cpuMs / 1000).toFixed(1).padStart(21),
      growth.toFixed(2).padStart(8),
      (memoryBytes / 1e6).toFixed(0).padStart(11),
      (memoryBytes / bytes).toFixed(1).padStart(14),
    ];
    console.log(columns.join(''));
    return { rate: bytes / cpuMs / 1000, memory: memoryBytes / bytes };
  });
  const [small, large] = [passes[0]!, passes.at(-1)!];
  // On a busy machine the clock measures the others.
  report('pass, MB of module a second of this thread', large.rate, 'MB/s', { must: 20, aim: 40, low: false });
  report('pass, memory a byte, largest against smallest', large.memory / small.memory, '', {
    must: 1.25,
    aim: 1.1,
    low: true,
  });
}
