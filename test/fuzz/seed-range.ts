// What every target of the fuzzer does: runs the seeds of a range, a line of JSON for each finding and one for the
// counts at the end. The seed at work stands in a file, so that whoever started this knows it when the process dies.
import { closeSync, openSync, writeSync } from 'node:fs';

/** The range and the file are the program's arguments: first seed, count, file. `counts` is read at the end. */
export function runSeeds(check: (seed: number) => void, counts: Readonly<Record<string, number>>): void {
  const [first, count, progress] = process.argv.slice(2);
  const file = openSync(progress!, 'w');
  for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
    writeSync(file, String(seed).padStart(16), 0);
    try {
      check(seed);
    } catch (error) {
      const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      process.stdout.write(`${JSON.stringify({ finding: seed, what })}\n`);
    }
  }
  closeSync(file);
  process.stdout.write(`${JSON.stringify({ counts })}\n`);
}
