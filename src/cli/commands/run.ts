// What "run" takes, and its help. What it does is loaded when it runs.

import { type Command, Option } from 'commander';
import { addSupervision, path, wholeNumber } from '../command-options.ts';
import type { RunOptions } from '../run.ts';
import type { EngineLink } from '../supervisor/engine-link.ts';

export function addRun(
  program: Command,
  done: (exitCode: number) => void,
  link: EngineLink | undefined,
): void {
  const command = program
    .command('run')
    .summary('run a system, or go on with an interrupted run')
    .description('Runs a system and leaves a run directory that "replay" reproduces exactly.')
    .argument('[system]', 'system file (TOML); left out to go on with the run in --run-dir', path)
    .option(
      '-i, --input <file>',
      'JSON Lines in place of the input that the system names; - for standard input',
      path,
    )
    .option('--live', 'take lines when they arrive; otherwise each tick waits for its lines')
    .option('--ticks <n>', 'the last logical tick', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('-w, --workers <n>', 'worker threads; 0 runs everything in one thread', wholeNumber(0, 64))
    .option('--seed <n>', 'seed in place of the one in the system', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('-d, --run-dir <dir>', 'new folder for the record (default: runs/<system>-<n>)', path)
    .option(
      '--models <dir>',
      'where models lie, for a run that goes on: <dir>/<model>/<version>/model.onnx',
      path,
    )
    .option('-o, --output <file>', 'write outputs there; otherwise to standard output', path)
    .option('--strict', 'fail at the first bad line; otherwise bad lines are skipped and reported')
    .addOption(
      new Option('--pace <pace>', 'ticks at once, or each at its logical time').choices([
        'free',
        'wall-clock',
      ]),
    )
    .option('--json', 'end standard output with one object about the run');
  addSupervision(command)
    .addHelpText(
      'after',
      `
Inputs are JSON Lines: {"topic" or "agent","payload","priority","tick"}; of models {"useModel","version","tick"} and
{"declareModel","description","tick"}. Priority and tick may be left out.
Outputs are JSON Lines: {"epoch","tick","index","agent","payload"}. Ctrl-C leaves a run that can go on.
The engine runs in a process of its own, which is started again where it dies, and goes on from its record.

Examples:
  wasm-engine run system.toml
  wasm-engine run system.toml --seed 7 --workers 4 --output out.jsonl
  tail -f log.jsonl | wasm-engine run system.toml --input - --live --pace wall-clock
  wasm-engine run --run-dir runs/system-1`,
    )
    .action(async (system: string | undefined, options: RunOptions) => {
      const { runCommand } = await import('../run.ts');
      done(await runCommand(system, options, link));
    });
}
