// The command line as a whole: its commands, exit codes, and what is wrong with a line that none of them takes.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { EngineError } from '../base/errors.ts';
import { addCompact } from './commands/compact.ts';
import { addDiff } from './commands/diff.ts';
import { addExport } from './commands/export.ts';
import { addFork } from './commands/fork.ts';
import { addInspect } from './commands/inspect.ts';
import { addInstrument } from './commands/instrument.ts';
import { addRepair } from './commands/repair.ts';
import { addReplay } from './commands/replay.ts';
import { addRun } from './commands/run.ts';
import type { EngineLink } from './supervisor/engine-link.ts';

/** Runs a command line and answers the exit code. */
export async function runProgram(words: readonly string[], link?: EngineLink): Promise<number> {
  let exitCode = 0;
  const done = (code: number): void => {
    exitCode = code;
  };
  const program = createProgram(done, link);
  if (words.length === 0) {
    process.stderr.write(program.helpInformation());
    return 2;
  }
  try {
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    throw new EngineError('usage', usageMessage(error), {});
  }
}

function usageMessage(error: CommanderError): string {
  const text = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return `${text} (see "wasm-engine --help")`;
}

const exitCodes = `
Exit codes:
  0 done   1 refused input or failed run   2 usage   3 divergence   4 damaged record
  70 a bug or a fault of the host   129, 130, 143 interrupted: the run can go on`;

function createProgram(done: (exitCode: number) => void, link: EngineLink | undefined): Command {
  const program = new Command('wasm-engine')
    .description('Runs systems of WebAssembly agents so that every run can be replayed, digest for digest.')
    .version(packageVersion(), '-V, --version')
    .helpCommand(false)
    .addHelpText('after', exitCodes);
  addRun(program, done, link);
  addReplay(program, done);
  addDiff(program, done);
  addFork(program, done, link);
  addInspect(program, done);
  addRepair(program, done);
  addExport(program, done);
  addCompact(program, done);
  addInstrument(program, done);
  for (const command of [program, ...program.commands]) {
    // Errors are reported in one place and one form.
    command.exitOverride().configureOutput({ writeErr: () => {}, outputError: () => {} });
    command.helpOption('-h, --help', 'show this help').showSuggestionAfterError(true);
  }
  return program;
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
