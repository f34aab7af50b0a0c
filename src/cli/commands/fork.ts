// What "fork" takes, and its help. What it does is loaded when it runs.

import type { Command } from 'commander';
import { addSupervision, moduleChoice, path, wholeNumber } from '../command-options.ts';
import type { ForkOptions } from '../run.ts';
import type { EngineLink } from '../supervisor/engine-link.ts';

export function addFork(
  program: Command,
  done: (exitCode: number) => void,
  link: EngineLink | undefined,
): void {
  const command = program
    .command('fork')
    .summary('go on from a tick of a recorded run, in a new run')
    .description(
      'Begins a new run that goes on from a tick of a recorded one: with the inputs of that run, as far as its record ' +
        'goes, or with others; with another seed; with another module.',
    )
    .argument('<run-dir>', 'run directory; it is only read', path)
    .requiredOption(
      '--tick <n>',
      'the last tick that both runs share',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '-i, --input <file>',
      'JSON Lines in place of the inputs that the run recorded; - for standard input',
      path,
    )
    .option(
      '--seed <n>',
      'another seed: from the tick on, every agent draws from a new stream',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '--module <name=file>',
      'another module for [agents.NAME]; its agents begin anew, with what waits for them; may be repeated',
      moduleChoice,
    )
    .option(
      '--ticks <n>',
      'the last logical tick, also where the recorded run stopped before',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option('-w, --workers <n>', 'worker threads; 0 runs everything in one thread', wholeNumber(0, 64))
    .option('-d, --run-dir <dir>', 'new folder for the record (default: runs/<run>-fork-<n>)', path)
    .option('--models <dir>', 'where models lie: <dir>/<model>/<version>/model.onnx', path)
    .option('-o, --output <file>', 'write outputs there; otherwise to standard output', path)
    .option('--strict', 'fail at the first bad line; otherwise bad lines are skipped and reported')
    .option('--json', 'end standard output with one object about the run');
  addSupervision(command)
    .addHelpText(
      'after',
      `
The new run directory stands by itself, with the snapshot that it began from; "inspect" says where it comes from.

Examples:
  wasm-engine fork runs/system-1 --tick 500 --input other.jsonl
  wasm-engine fork runs/system-1 --tick 500 --module trader=bolder.wasm
  wasm-engine diff runs/system-1 runs/system-1-fork-1`,
    )
    .action(async (runDirectory: string, options: ForkOptions) => {
      const { forkCommand } = await import('../run.ts');
      done(await forkCommand(runDirectory, options, link));
    });
}
