// What "diff" takes, and its help. What it does is loaded when it runs.

import type { Command } from 'commander';
import { path } from '../command-options.ts';

export function addDiff(program: Command, done: (exitCode: number) => void): void {
  program
    .command('diff')
    .summary('find the first place where two runs differ')
    .description(
      'Finds the first tick, input, task, effect, global or byte of memory in which two recorded runs differ, and the ' +
        'function that asked for it. Where their configurations, seeds or modules differ, that is said first.',
    )
    .argument('<run-a>', 'run directory', path)
    .argument('<run-b>', 'run directory', path)
    .option('--json', 'print one object')
    .addHelpText(
      'after',
      `
The exit code is 0 where the runs are equal, and 3 where they differ.

Example:
  wasm-engine diff runs/system-1 runs/system-2`,
    )
    .action(async (a: string, b: string, options: { readonly json?: boolean }) => {
      const { diffCommand } = await import('../diff.ts');
      done(await diffCommand(a, b, options));
    });
}
