// What "compact" takes, and its help. What it does is loaded when it runs.

import type { Command } from 'commander';
import { path, wholeNumber } from '../command-options.ts';
import type { CompactCommandOptions } from '../compact.ts';

export function addCompact(program: Command, done: (exitCode: number) => void): void {
  program
    .command('compact')
    .summary('make a record shorter by giving up what lies before a snapshot')
    .description(
      'Says what a shorter record would give up: everything up to the newest snapshot that is not later than a tick. ' +
        'With --yes it does so, for good.',
    )
    .argument('<run-dir>', 'run directory', path)
    .requiredOption(
      '--to <tick>',
      'a tick; its snapshot, or the newest before it',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option('--yes', 'do it')
    .option('--drop-outputs', 'give up outputs that have not reached their reader, too')
    .option('--json', 'print one object')
    .addHelpText(
      'after',
      `
Where a process died, outputs may be recorded that reached nobody; going on with the run gives them again. A record
that still owes some of those it would give up is not compacted, unless --drop-outputs is given.

Examples:
  wasm-engine export runs/system-1 -o whole.tar
  wasm-engine compact runs/system-1 --to 500000
  wasm-engine compact runs/system-1 --to 500000 --yes`,
    )
    .action(async (runDirectory: string, options: CompactCommandOptions) => {
      const { compactCommand } = await import('../compact.ts');
      done(await compactCommand(runDirectory, options));
    });
}
