// A program: runs the modules of a range of seeds, one line of JSON at its end, and a line a finding. The seed at work
// stands in a file, so that whoever started this knows it when the process dies. Arguments: first seed, count, file.
import { closeSync, openSync, writeSync } from 'node:fs';
import { checkModule, type Verdict, verdicts } from './check-module.ts';
import { fuzzedModule } from './fuzzed-module.ts';

const [first, count, progress] = process.argv.slice(2);
const file = openSync(progress!, 'w');
const counts = Object.fromEntries(verdicts.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  writeSync(file, String(seed).padStart(16), 0);
  try {
    counts[checkModule(fuzzedModule(seed))]++;
  } catch (error) {
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    process.stdout.write(`${JSON.stringify({ finding: seed, what })}\n`);
  }
}
closeSync(file);
process.stdout.write(`${JSON.stringify({ counts })}\n`);
