// What "inspect" takes, and its help. What it does is loaded when it runs.

import type { Command } from 'commander';
import { byteRange, name, path, wholeNumber } from '../command-options.ts';
import type { InspectOptions } from '../inspect.ts';

export function addInspect(program: Command, done: (exitCode: number) => void): void {
  program
    .command('inspect')
    .summary('say what a run directory holds, and what its agents held at any tick')
    .description(
      'Says what a run directory holds, also while its run is going or after it was cut off. With --tick, the run is ' +
        'executed again up to there, and the state after the tick is shown before what happened in it.',
    )
    .argument('<run-dir>', 'run directory', path)
    .option('--tick <n>', 'everything about one tick', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('--agent <name>', 'only what concerns this agent; with --tick, all that it holds', name)
    .option('--memory <start:length>', "bytes of the agent's memory, such as 0x400:256", byteRange)
    .option('--no-state', 'with --tick: only what happened; nothing is executed again')
    .option('--json', 'print one object')
    .addHelpText(
      'after',
      `
Examples:
  wasm-engine inspect runs/system-1
  wasm-engine inspect runs/system-1 --tick 12
  wasm-engine inspect runs/system-1 --tick 12 --agent trader/3 --memory 0x400:64
  wasm-engine inspect runs/system-1 --agent trader/3 --json`,
    )
    .action(async (runDirectory: string, options: InspectOptions) => {
      const { inspectCommand } = await import('../inspect.ts');
      done(await inspectCommand(runDirectory, options));
    });
}
