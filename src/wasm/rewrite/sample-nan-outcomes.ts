// For tests only, a program: prints what the bits of each random NaN program come to, with NaN made canonical or,
// where an argument says `off`, left alone. The parent chooses V8's tier by flags, and the processor.

import { assemble, start } from '../test-module.ts';
import { SampleNanProgram } from './sample-nan-program.ts';

const seeds = Number(process.argv[2]);
const nan = process.argv[3] !== 'off';

for (let seed = 1; seed <= seeds; seed++) {
  const running = start(assemble(new SampleNanProgram(seed, false).text()), { protections: { nan } });
  for (const name of ['run0', 'run1', 'run2']) running.call(name);
  const words = new Uint32Array(running.memory.buffer, 0, 1100 / 4);
  process.stdout.write(`${seed} ${words.reduce((sum, word) => (Math.imul(sum, 31) + word) >>> 0, 0)}\n`);
}
