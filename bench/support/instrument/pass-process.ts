// A process that runs the pass over one large module: `node pass-process.ts SOURCE BYTES ROUNDS`. It prints one line of
// JSON. The process is fresh, so that the most memory it ever had is what the pass wanted.

import { readFileSync } from 'node:fs';
import { instrument } from '../../../src/wasm/index.ts';
import { largeModule } from './large-module.ts';

export interface MeasuredPass {
  readonly bytes: number;
  readonly functions: number;
  /** The least time of all rounds: the clock's, and that of the processor in this thread. */
  readonly ms: number;
  readonly cpuMs: number;
  readonly growth: number;
  /** The most resident memory of the process in the first round, less what it had before. */
  readonly memoryBytes: number;
}

const [source, size, rounds] = process.argv.slice(2);
const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

if (source !== undefined) {
  const small = readFileSync(source);
  instrument(small);
  const module = largeModule(small, Number(size));
  const before = Math.max(peakBytes(), process.memoryUsage.rss());
  let measured: MeasuredPass | undefined;
  for (let round = 0; round < Number(rounds); round++) {
    const [startedMs, cpu] = [performance.now(), process.threadCpuUsage()];
    const { bytes, offsets } = instrument(module);
    const ms = performance.now() - startedMs;
    const { user, system } = process.threadCpuUsage(cpu);
    measured = {
      bytes: module.length,
      functions: offsets.functions.length / 7,
      ms: Math.min(ms, measured?.ms ?? ms),
      cpuMs: Math.min((user + system) / 1000, measured?.cpuMs ?? Number.POSITIVE_INFINITY),
      growth: bytes.length / module.length,
      memoryBytes: measured?.memoryBytes ?? peakBytes() - before,
    };
  }
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}
