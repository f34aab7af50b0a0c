#!/usr/bin/env node
// The command `wasm-engine`. Everything that costs time to load is loaded by the command that needs it.

import { reportFailure } from './failure.ts';
import { checkNodeVersion } from './node-version.ts';
import { endQuietlyWhenNobodyReads, finishOutput } from './standard-output.ts';

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  try {
    checkNodeVersion(process.versions.node);
    if (isSupervised(words)) {
      const { supervise } = await import('./supervisor/supervise.ts');
      return await supervise(words);
    }
    const { runProgram } = await import('./program.ts');
    return await runProgram(words);
  } catch (error) {
    return reportFailure(error, words.includes('--json'));
  }
}

/** The commands that make a record run in a process of their own. It understands the words; here nobody does. */
function isSupervised(words: readonly string[]): boolean {
  const [command = ''] = words;
  const alone = ['--no-supervisor', '--help', '-h'];
  return ['run', 'fork'].includes(command) && !words.some((word) => alone.includes(word));
}

endQuietlyWhenNobodyReads();
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => process.exit(reportFailure(error, false)));
}
const exitCode = await main();
await finishOutput();
// A read that waits on standard input or a pipe must not keep the process.
process.exit(exitCode);
