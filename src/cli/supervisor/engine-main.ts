// The engine process of `wasm-engine run`: the command itself, under a supervisor that started it. Nobody else starts
// it.

import { reportFailure } from '../failure.ts';
import { runProgram } from '../program.ts';
import { endQuietlyWhenNobodyReads, finishOutput } from '../standard-output.ts';
import { EngineLink } from './engine-link.ts';

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  try {
    return await runProgram(words, await EngineLink.connect());
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
process.exit(exitCode);
