// What "repair" takes, and its help. What it does is loaded when it runs.

import type { Command } from 'commander';
import { path } from '../command-options.ts';
import type { RepairOptions } from '../repair.ts';

export function addRepair(program: Command, done: (exitCode: number) => void): void {
  program
    .command('repair')
    .summary('make a damaged record whole again by giving up what lies behind the damage')
    .description(
      'Says what is wrong with a record and what repairing it would give up: everything behind the damage. With --yes ' +
        'it does so, and keeps copies. A record that a crash cut off needs no repair.',
    )
    .argument('<run-dir>', 'run directory', path)
    .option('--yes', 'do it')
    .option('--json', 'print one object')
    .addHelpText(
      'after',
      `
The exit code is 4 where the record is damaged and was not repaired, and 0 where it is whole.

Examples:
  wasm-engine repair runs/system-1
  wasm-engine repair runs/system-1 --yes`,
    )
    .action(async (runDirectory: string, options: RepairOptions) => {
      const { repairCommand } = await import('../repair.ts');
      done(repairCommand(runDirectory, options));
    });
}
