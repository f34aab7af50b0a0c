// For tests only, a program: runs random programs and prints the outcome and fuel of each call, one line of JSON a
// seed. The parent chooses V8's tier by flags. Calls are repeated, so that the tier may change between them.

import { assemble, start } from '../test-module.ts';
import { SampleProgram } from './sample-program.ts';

const seeds = Number(process.argv[2]);

for (let seed = 1001; seed <= 1000 + seeds; seed++) {
  const program = new SampleProgram(seed);
  const running = start(assemble(program.text()), { pagesMax: 3 });
  const outcomes: unknown[] = [];
  for (let round = 0; round < 30 && outcomes.length < 100; round++) {
    const index = round % program.functionCount;
    const values = program.signature(index).params.map((type) => (type === 'i64' ? BigInt(round) : round));
    const { value, trap, used, status } = running.call(`f${index}`, values, round % 7 === 6 ? 300 : 1e7);
    outcomes.push([String(value), trap, used, status]);
    if (trap !== undefined) break;
  }
  process.stdout.write(`${JSON.stringify({ seed, outcomes })}\n`);
}
