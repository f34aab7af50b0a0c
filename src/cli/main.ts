#!/usr/bin/env node
// The command `wasm-engine`. Everything that costs time to load is loaded by the command that needs it.

import { reportFailure } from './failure.ts';
import { checkNodeVersion } from './node-version.ts';
import { runProgram } from './program.ts';
import { endQuietlyWhenNobodyReads, finishOutput } from './standard-output.ts';

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  try {
    checkNodeVersion(process.versions.node);
    return await runProgram(words);
  } catch (error) {
    return reportFailure(error, words.includes('--json'));
  }
}

endQuietlyWhenNobodyReads();
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => process.exit(reportFailure(error, false)));
}
const exitCode = await main();
await finishOutput();
// A read that waits on standard input or a pipe must not keep the process.
process.exit(exitCode);
